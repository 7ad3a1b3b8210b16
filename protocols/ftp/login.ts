/** From a connection to a session: greeting, TLS, login, and what the server can do. */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Control } from "./control.ts";
import type { FtpTarget } from "./endpoint.ts";
import type { Securing } from "./line.ts";
import { type Features, featuresOf, hasChmod, offeredFacts } from "./features.ts";
import { FtpRefusal } from "./meaning.ts";
import { isDone, type Reply } from "./replies.ts";

/** What a login leads to. */
export interface LoggedIn {
  readonly features: Features;
  /** Data connections are encrypted as well. */
  readonly isPrivate: boolean;
}

/** RFC 1635. */
const ANONYMOUS = { username: "anonymous", password: "anonymous@" };

/**
 * Logs in. A password is sent in clear only where the endpoint says so: `insecure` before it is, else.
 * `known` are the features of an earlier session with the same server and user.
 */
export async function logIn(
  control: Control,
  target: FtpTarget,
  known: Features | null,
  trusted: Uint8Array | null,
): Promise<LoggedIn> {
  const isPrivate = await greet(control, target, trusted);
  await authenticate(control, target);
  if (isPrivate) await protectData(control);
  return { features: await prepared(control, known), isPrivate };
}

/** The greeting, and TLS where that is to be: whether the session is encrypted now. */
export async function greet(
  control: Control,
  target: FtpTarget,
  trusted: Uint8Array | null,
): Promise<boolean> {
  const { host: name, tls } = target;
  const securing = { name, tls, like: null, trusted };
  const isImplicit = target.encryption === "implicit";
  // Where TLS is implicit, the greeting comes through it.
  if (isImplicit) await control.secure(securing);
  const greeting = await control.final(protocolLimits.ftpConnectTimeoutMs);
  if (!isDone(greeting)) throw new FtpRefusal("open a session", control.place, greeting);
  return isImplicit || await encrypted(control, target, securing);
}

/** Whether the session is encrypted now; `insecure` where it had to be and the server cannot. */
async function encrypted(
  control: Control,
  target: FtpTarget,
  securing: Securing,
): Promise<boolean> {
  const { encryption, credentials } = target;
  if (encryption === "none") return false;
  const reply = await control.ask("AUTH TLS");
  if (reply.code === 234 || reply.code === 334) {
    await control.secure(securing);
    return true;
  }
  if (encryption === "optional") return false;
  if (encryption === "unlessAnonymous" && credentials === null) return false;
  const { place } = control;
  const advice = encryption === "required"
    ? "let it be set up there"
    : "let TLS be set up there, or set option tls: none to send the password in clear";
  const message =
    `cannot log in at ${place}: the server offers no TLS (it answered AUTH TLS with ` +
    `${reply.code}), and the password would be sent in clear; ${advice}`;
  throw new ProtocolError("insecure", message);
}

async function authenticate(control: Control, { credentials }: FtpTarget): Promise<void> {
  const { username, password } = credentials ?? ANONYMOUS;
  const action = `log in as ${JSON.stringify(username)}`;
  let reply = await control.ask(`USER ${username}`);
  if (reply.code === 331) reply = await control.ask(`PASS ${password}`);
  if (isDone(reply)) return;
  if (reply.code === 332) {
    const message = `cannot ${action} at ${control.place}: the server wants an account (ACCT) ` +
      "beside user and password, which is not supported";
    throw new ProtocolError("unsupported", message);
  }
  throw refusedLogin(action, control.place, reply, password);
}

/** The words of a server may hold what it was sent: then they are not passed on. */
function refusedLogin(
  action: string,
  place: string,
  { code, lines }: Reply,
  password: string,
): ProtocolError {
  const text = lines.join(" ");
  const reply = { code, lines: [text.includes(password) ? "" : text] };
  const meant = new FtpRefusal(action, place, reply).code;
  const isRefused = code >= 500 && meant !== "rateLimited" && !/^OOPS/.test(text);
  return new FtpRefusal(action, place, reply, isRefused ? "unauthenticated" : meant);
}

/** RFC 4217, section 9. */
async function protectData(control: Control): Promise<void> {
  await control.ask("PBSZ 0");
  const reply = await control.ask("PROT P");
  if (isDone(reply)) return;
  const message = `cannot use ${control.place}: the server encrypts the control connection and ` +
    `refuses to encrypt data (it answered PROT P with ${reply.code})`;
  throw new ProtocolError("insecure", message);
}

async function prepared(control: Control, known: Features | null): Promise<Features> {
  const features = known ?? {
    named: featuresOf(await control.ask("FEAT")),
    chmod: hasChmod(await control.ask("SITE HELP")),
  };
  if (features.named.has("UTF8")) await control.ask("OPTS UTF8 ON");
  const facts = offeredFacts(features);
  if (facts.length > 0) await control.ask(`OPTS MLST ${facts.join(";")};`);
  if (/SHA-256(?!\*)/i.test(features.named.get("HASH") ?? "")) {
    await control.ask("OPTS HASH SHA-256");
  }
  const reply = await control.ask("TYPE I");
  if (isDone(reply)) return features;
  throw new FtpRefusal("move bytes as they are (TYPE I)", control.place, reply);
}
