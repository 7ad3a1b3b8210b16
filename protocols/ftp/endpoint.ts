/** Checking a declared ftp or ftps endpoint: where it is, who asks, and how far it is encrypted. */

import type { TlsOptions } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { type NetworkPlace, networkPlaceOf, shownHost } from "../network_uri.ts";

/** The URI schemes. */
export const FTP_SCHEMES = ["ftp", "ftps"] as const;

/** The kinds of credentials that an FTP server can be shown; without any it is asked as `anonymous`. */
export const FTP_CREDENTIALS = ["basic"] as const;

/** The options of an endpoint, each with what it says. */
export const FTP_OPTIONS = {
  tls: "ftp: only: required, optional (in clear where the server has no TLS) or none; " +
    "unless set, TLS where the server has it, and no password without it",
  tlsMode: "ftps: only: explicit (AUTH TLS, port 21) or implicit (port 990)",
  passiveAddress: "control: data connections go where the control connection goes, " +
    "whatever address the server names",
  sessions: "how many sessions may read, and how many write, at once for one host and user",
  serverHash: "true: the server is asked for SHA-256 where it offers HASH or XSHA256",
} as const satisfies Readonly<Record<string, string>>;

type Option = keyof typeof FTP_OPTIONS;

/** When a session is encrypted. */
export type FtpTls = "implicit" | "required" | "optional" | "none" | "unlessAnonymous";

/** Everything that tells one session from another. */
export interface FtpTarget {
  readonly host: string;
  readonly port: number;
  /** `null` asks as anonymous. */
  readonly credentials: Extract<Credentials, { type: "basic" }> | null;
  readonly encryption: FtpTls;
  readonly tls: TlsOptions | null;
  /** What a server says of its own address is not looked at. */
  readonly ignoresPassiveAddress: boolean;
  readonly replyMs: number | null;
  readonly idleMs: number | null;
}

/** A place on such a host. */
export interface FtpPlace {
  readonly target: FtpTarget;
  readonly scheme: typeof FTP_SCHEMES[number];
  readonly place: NetworkPlace;
  /** For messages: `ftp://host:port`. */
  readonly label: string;
  readonly sessions: number;
  readonly asksForHash: boolean;
}

const PORT = 21;
const IMPLICIT_PORT = 990;
// deno-lint-ignore no-control-regex -- what must not reach a control connection
const CONTROL_CHARACTERS = /[\x00-\x1f\x7f]/;

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function ftpPlaceOf(endpoint: Endpoint): FtpPlace {
  const place = networkPlaceOf(FTP_SCHEMES, endpoint.uri);
  const scheme = /^ftps:/i.test(endpoint.uri) ? "ftps" : "ftp";
  const label = `${scheme}://${shownHost(place.host, place.port)}`;
  const action = `use ${label}`;
  const refuse: Refuse = (reason) =>
    new ProtocolError("badEndpoint", `cannot ${action}: ${reason}`);
  if (Object.keys(endpoint.headers).length > 0) throw refuse("FTP has no headers; remove them");
  const credentials = assertCredentials(endpoint.auth, FTP_CREDENTIALS, action);
  assertNames(place, credentials, refuse);
  assertSendable(label, place.path);
  const options = optionsOf(endpoint, refuse);
  const encryption = encryptionOf(scheme, options, refuse);
  if (endpoint.tls !== null && encryption === "none") {
    throw refuse('option tls is "none", and there is a TLS configuration; remove one of them');
  }
  return {
    ...{ scheme, place, label },
    sessions: sessionsOf(options.sessions, refuse),
    asksForHash: options.serverHash === true,
    target: {
      host: place.host,
      port: place.port ?? (encryption === "implicit" ? IMPLICIT_PORT : PORT),
      ...{ credentials, encryption },
      tls: endpoint.tls,
      ignoresPassiveAddress: options.passiveAddress === "control",
      replyMs: endpoint.responseTimeoutMs,
      idleMs: endpoint.idleTimeoutMs,
    },
  };
}

/** `nameRefused` for a path that would end a command, or begin another one. */
export function assertSendable(label: string, path: string): void {
  if (!CONTROL_CHARACTERS.test(path) && path.isWellFormed()) return;
  const message = `cannot use ${label}${shownPath(path)}: it contains a control character, which ` +
    "FTP cannot send; choose another name";
  throw new ProtocolError("nameRefused", message, { definite: true });
}

/** Whether two places are on one service, for the same user. */
export function isSameService(one: FtpPlace, uri: string): NetworkPlace | null {
  const other = networkPlaceOf(FTP_SCHEMES, uri);
  const scheme = /^ftps:/i.test(uri) ? "ftps" : "ftp";
  const { place } = one;
  const isSame = scheme === one.scheme && other.host === place.host && other.port === place.port &&
    (other.user === null || place.user === null || other.user === place.user);
  return isSame ? other : null;
}

type Refuse = (reason: string) => ProtocolError;
type Options = Partial<Record<Option, string | number | boolean>>;

function assertNames(
  { user }: NetworkPlace,
  credentials: FtpTarget["credentials"],
  refuse: Refuse,
): void {
  if (user !== null && credentials === null && user !== "anonymous") {
    throw refuse('the URI names a user without a password; declare "auth" of type basic');
  }
  if (user !== null && credentials !== null && user !== credentials.username) {
    throw refuse("the URI and the credentials name different users; keep one of them");
  }
  if (credentials === null) return;
  for (const text of [credentials.username, credentials.password]) {
    if (CONTROL_CHARACTERS.test(text)) throw refuse("the credentials contain a control character");
  }
  if (credentials.username === "") throw refuse("the user has no name");
}

function optionsOf({ options }: Endpoint, refuse: Refuse): Options {
  const known: Options = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(FTP_OPTIONS, name)) {
      throw refuse(
        `there is no option "${name}"; there are ${Object.keys(FTP_OPTIONS).join(", ")}`,
      );
    }
    known[name as Option] = value;
  }
  assertOneOf("passiveAddress", known.passiveAddress, ["control"], refuse);
  assertOneOf("serverHash", known.serverHash, [true, false], refuse);
  return known;
}

function assertOneOf(
  name: Option,
  value: string | number | boolean | undefined,
  allowed: readonly (string | boolean)[],
  refuse: Refuse,
): void {
  if (value === undefined || allowed.includes(value as string | boolean)) return;
  throw refuse(`option ${name} is "${value}"; it can be ${allowed.join(" or ")}`);
}

function encryptionOf(scheme: string, { tls, tlsMode }: Options, refuse: Refuse): FtpTls {
  if (scheme === "ftps") {
    if (tls !== undefined) {
      throw refuse("option tls belongs to ftp: URIs; ftps: is always encrypted");
    }
    assertOneOf("tlsMode", tlsMode, ["explicit", "implicit"], refuse);
    return tlsMode === "implicit" ? "implicit" : "required";
  }
  if (tlsMode !== undefined) throw refuse("option tlsMode belongs to ftps: URIs; write ftps://");
  assertOneOf("tls", tls, ["required", "optional", "none"], refuse);
  return (tls as FtpTls | undefined) ?? "unlessAnonymous";
}

function sessionsOf(declared: string | number | boolean | undefined, refuse: Refuse): number {
  if (declared === undefined) return protocolLimits.ftpSessions;
  const most = protocolLimits.ftpSessionsMax;
  const sessions = Number(declared);
  if (Number.isInteger(sessions) && sessions >= 1 && sessions <= most) return sessions;
  throw refuse(`option sessions is "${declared}"; it can be 1 to ${most}`);
}
