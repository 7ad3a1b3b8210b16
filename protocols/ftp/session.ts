/** What one session with a server can be asked, as calls that fail with typed errors. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import { shownPath, splitPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Session } from "../sessions.ts";
import { Control } from "./control.ts";
import type { FtpTarget } from "./endpoint.ts";
import { type Seen, seenOfFacts, sizeOf } from "./facts.ts";
import { type Features, hasFacts, hashCommandOf, timeCommandOf } from "./features.ts";
import type { Dial, Line } from "./line.ts";
import { greet, logIn } from "./login.ts";
import { FtpRefusal, isUnknownCommand } from "./meaning.ts";
import { assertSameAddress, extendedPassivePort, passiveAddress } from "./passive.ts";
import { isDone, isIntermediate, type Reply } from "./replies.ts";
import { timeOf, timeText } from "./times.ts";

/** Whether a server was found to want TLS sessions of their own; shared by all sessions with it. */
export interface Frugality {
  isNeeded: boolean;
}

/** What a session is opened with. */
export interface SessionParts {
  readonly place: string;
  readonly target: FtpTarget;
  /** Where the host is, as it was judged. */
  readonly address: string;
  readonly dial: Dial;
  readonly env: Env;
  /** What an earlier session with this server found out. */
  readonly features: Features | null;
  /** The server's certificate, where it was judged already ({@link judgedCertificate}). */
  readonly trusted: Uint8Array | null;
  readonly frugality: Frugality;
}

/** A session in use; one call or one transfer at a time. */
export class FtpSession implements Session {
  readonly place: string;
  readonly features: Features;
  readonly control: Control;
  readonly env: Env;
  readonly idleMs: number;
  /** Data connections are encrypted. */
  readonly isPrivate: boolean;
  readonly frugality: Frugality;
  readonly #parts: SessionParts;
  #extendedPassive = true;

  private constructor(
    parts: SessionParts,
    control: Control,
    features: Features,
    isPrivate: boolean,
  ) {
    this.place = parts.place;
    this.features = features;
    this.control = control;
    this.env = parts.env;
    this.idleMs = parts.target.idleMs ?? protocolLimits.ftpIdleTimeoutMs;
    this.isPrivate = isPrivate;
    this.frugality = parts.frugality;
    this.#parts = parts;
  }

  /** Connects and logs in. */
  static async open(parts: SessionParts): Promise<FtpSession> {
    return await connected(parts, async (control) => {
      const { target, features: known, trusted } = parts;
      const { features, isPrivate } = await logIn(control, target, known, trusted);
      control.assertSound();
      return new FtpSession(parts, control, features, isPrivate);
    });
  }

  get isBroken(): boolean {
    return this.control.isBroken;
  }

  end(): Promise<void> {
    return this.control.end();
  }

  /** The name that data connections must show, whose TLS session is that of the control connection. */
  secure(data: Line): Promise<void> {
    const { host, tls } = this.#parts.target;
    const { line } = this.control;
    // Whoever answers at that port must be the one who answers at the other.
    return data.secure({ name: host, tls, like: line, trusted: line.certificate });
  }

  /** A connection for data, to the address of the control connection and no other. */
  async openData(): Promise<Line> {
    const port = await this.#passivePort();
    return await this.#parts.dial(this.control.line.address, port, this.place);
  }

  /** Asks for what is done at once; a refusal is an {@link FtpRefusal}. */
  async do(action: string, command: string, withinMs?: number): Promise<Reply> {
    const reply = await this.control.ask(command, withinMs);
    if (isDone(reply)) return reply;
    throw this.refusal(action, reply);
  }

  refusal(action: string, reply: Reply): FtpRefusal {
    return new FtpRefusal(action, this.place, reply);
  }

  /** What stands at the path, `null` if nothing does. Links are followed where the server knows none. */
  async look(path: string, links: "follow" | "keep" = "keep"): Promise<Seen | null> {
    if (!hasFacts(this.features)) return await this.#lookByParts(path);
    const reply = await this.control.ask(`MLST ${path}`);
    if (isUnknownCommand(reply)) return await this.#lookByParts(path);
    if (!isDone(reply)) return this.#absent(path, reply);
    const told = reply.lines.slice(1, -1).map((line) => seenOfFacts(line.trimStart()));
    const seen = told.find((one) => one !== null)?.seen;
    // A server that was asked about a directory tells that it is the current one.
    if (seen === undefined) return await this.isDirectory(path) ? DIRECTORY : null;
    return seen.kind === "link" && links === "follow" ? await this.#lookByParts(path) : seen;
  }

  /** Whether a name is taken by a file; a directory may be told as nothing, which is cheaper to ask. */
  async hasFile(path: string): Promise<boolean> {
    if (hasFacts(this.features)) return await this.look(path) !== null;
    const sized = await this.control.ask(`SIZE ${path}`);
    return isUnknownCommand(sized) ? await this.look(path) !== null : isDone(sized);
  }

  /** What is seen of a file that was seen before: its time tells whether it is the same. */
  async lookAgain(path: string, before: Seen): Promise<Seen | null> {
    if (hasFacts(this.features) || before.mtimeMs === null) return await this.look(path, "follow");
    const timed = await this.control.ask(`MDTM ${path}`);
    return timeIn(timed) === before.mtimeMs ? before : await this.look(path, "follow");
  }

  /** Whether it is a directory that can be entered. */
  async isDirectory(path: string): Promise<boolean> {
    return isDone(await this.control.ask(`CWD ${path}`));
  }

  /** Where the server is after it has entered the directory: by another path, where a link led it. */
  async canonical(path: string): Promise<string> {
    const action = `enter ${shownPath(path)}`;
    const entered = await this.control.ask(`CWD ${path}`);
    if (!isDone(entered)) throw this.#vagueAs("notFound", action, entered);
    const { lines } = await this.do(action, "PWD");
    const quoted = /"((?:[^"]|"")*)"/.exec(lines.join(" "))?.[1]?.replaceAll('""', '"');
    if (quoted?.startsWith("/")) return quoted;
    const message = `cannot ${action} on ${this.place}: the server does not tell where it is then`;
    throw new ProtocolError("badResponse", message);
  }

  async remove(path: string): Promise<void> {
    await this.do(`remove ${shownPath(path)}`, `DELE ${path}`);
  }

  async removeDirectory(path: string): Promise<void> {
    await this.do(`remove ${shownPath(path)}`, `RMD ${path}`);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.do(`make ${shownPath(path)}`, `MKD ${path}`);
  }

  /** Gives another name; what stands there is replaced or not, as the server likes. */
  async rename(from: string, to: string): Promise<void> {
    const action = `rename ${shownPath(from)} to ${shownPath(to)}`;
    const reply = await this.control.ask(`RNFR ${from}`);
    if (!isIntermediate(reply)) throw this.refusal(action, reply);
    await this.do(action, `RNTO ${to}`);
  }

  async setMode(path: string, mode: number): Promise<void> {
    const bits = mode.toString(8).padStart(3, "0");
    await this.do(`set permissions of ${shownPath(path)}`, `SITE CHMOD ${bits} ${path}`);
  }

  /** Gives a file the second of a time; `unsupported` where the server cannot. */
  async setTime(path: string, timeMs: number): Promise<void> {
    const action = `set the time of ${shownPath(path)}`;
    const command = timeCommandOf(this.features);
    if (command === null) {
      const message = `cannot ${action} on ${this.place}: it has neither MFMT nor MDTM`;
      throw new ProtocolError("unsupported", message);
    }
    await this.do(action, `${command} ${timeText(timeMs)} ${path}`);
  }

  /** SHA-256 as the server computes it, lower-case hexadecimal; `null` where it does not. */
  async hash(path: string): Promise<string | null> {
    const command = hashCommandOf(this.features);
    if (command === null) return null;
    const reply = await this.control.ask(`${command} ${path}`, protocolLimits.ftpHashTimeoutMs);
    if (!isDone(reply)) return null;
    return /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/i.exec(reply.lines.join(" "))?.[0]
      .toLowerCase() ??
      null;
  }

  async #lookByParts(path: string): Promise<Seen | null> {
    const [sized, timed] = await this.control.askAll([`SIZE ${path}`, `MDTM ${path}`]);
    assert(sized !== undefined, "who asks is answered");
    if (isDone(sized)) {
      const mtimeMs = timed === undefined ? null : timeIn(timed);
      return { ...UNKNOWN, kind: "file", size: sizeIn(sized), mtimeMs };
    }
    if (path === "/" || await this.isDirectory(path)) return DIRECTORY;
    if (!isUnknownCommand(sized)) return this.#absent(path, sized);
    const message = `cannot look at ${shownPath(path)} on ${this.place}: the server has neither ` +
      "MLST nor SIZE";
    throw new ProtocolError("unsupported", message);
  }

  /** A refusal that says no more means that nothing is there. */
  #absent(path: string, reply: Reply): null {
    const refusal = this.#vagueAs("notFound", `look at ${shownPath(path)}`, reply);
    if (refusal.code === "notFound") return null;
    throw refusal;
  }

  #vagueAs(code: "notFound", action: string, reply: Reply): FtpRefusal {
    const refusal = this.refusal(action, reply);
    return refusal.isVague ? refusal.as(code) : refusal;
  }

  async #passivePort(): Promise<number> {
    if (this.#extendedPassive) {
      const reply = await this.control.ask("EPSV");
      const port = reply.code === 229 ? extendedPassivePort(reply) : null;
      if (port !== null) return port;
      if (reply.code !== 229 && !isUnknownCommand(reply) && reply.code < 500) {
        throw this.refusal("open a data connection", reply);
      }
      this.#extendedPassive = false;
    }
    const reply = await this.do("open a data connection", "PASV");
    const named = passiveAddress(reply);
    if (named === null) {
      const message =
        `cannot open a data connection to ${this.place}: its answer to PASV names no port`;
      throw new ProtocolError("badResponse", message);
    }
    const { address } = this.control.line;
    if (!this.#parts.target.ignoresPassiveAddress) {
      assertSameAddress(this.place, address, named.address);
    }
    return named.port;
  }
}

/** Runs `use` on a new control connection, which is ended if that fails or takes too long. */
async function connected<T>(
  { target, place, address, dial, env }: SessionParts,
  use: (control: Control) => Promise<T>,
): Promise<T> {
  const { ftpConnectTimeoutMs, ftpReplyTimeoutMs } = protocolLimits;
  const line = await dial(address, target.port, place);
  const control = new Control(place, line, env, target.replyMs ?? ftpReplyTimeoutMs);
  const timer = env.timers.after(ftpConnectTimeoutMs, () => {
    const message = `cannot open a session with ${place}: it was not open after ` +
      `${ftpConnectTimeoutMs} ms`;
    control.break(new ProtocolError("timeout", message));
  });
  try {
    return await use(control);
  } catch (thrown) {
    await control.end();
    throw thrown;
  } finally {
    timer.cancel();
  }
}

/**
 * The certificate of a server, judged by the authorities that the endpoint names, over a connection that
 * carries nothing else. Sessions then trust this one and no other.
 */
export async function judgedCertificate(parts: SessionParts): Promise<Uint8Array | null> {
  return await connected(parts, async (control) => {
    await greet(control, parts.target, null);
    const { certificate } = control.line;
    await control.end();
    return certificate;
  });
}

function sizeIn({ lines }: Reply): number | null {
  return sizeOf(/^\d+/.exec((lines[0] ?? "").trim())?.[0]);
}

function timeIn(reply: Reply): number | null {
  return isDone(reply) ? timeOf((reply.lines[0] ?? "").trim()) : null;
}

const UNKNOWN: Seen = { kind: "other", size: null, mtimeMs: null, unique: null, mode: null };
const DIRECTORY: Seen = { ...UNKNOWN, kind: "directory" };

/**
 * The reason of a refusal that does not say it: what it `needs`, the file or its directory, is missing, or it
 * is there and must not be touched. Any other error is returned as it is.
 */
export async function explained(
  session: FtpSession,
  path: string,
  needs: "file" | "directory",
  thrown: unknown,
): Promise<unknown> {
  if (!(thrown instanceof FtpRefusal) || !thrown.isVague || session.isBroken) return thrown;
  try {
    const isThere = needs === "file"
      ? await session.look(path, "follow") !== null
      : await session.isDirectory(splitPath(path).directory);
    return isThere ? thrown : thrown.as("notFound");
  } catch {
    return thrown;
  }
}
