/** Checking a declared endpoint and making the first request's fixed part of it. */

import type { Env, TlsOptions } from "../../runtime/env/env.ts";
import type { SourceEndpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import type { DigestUser } from "./digest.ts";
import { placeOf } from "./failure.ts";
import type { DigestLogin } from "./login.ts";
import type { HttpSettings } from "./settings.ts";

/** One place to ask, and with what: the declared one, or one that a redirect named. */
export interface Hop {
  readonly url: URL;
  readonly label: string;
  /** Names in lower case; credentials included: never log. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions | null;
  /** Who answers the challenges of this origin; `null` where nobody does. */
  readonly login: DigestLogin | null;
}

/** Set by the source or the connection itself; a declared one would break framing, ranges or routing. */
const REFUSED_HEADERS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "expect",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `identity`: sizes, ranges and hashes are those of the file, not of a compressed form of it. */
const OWN_HEADERS = { "accept-encoding": "identity", "user-agent": "quorus" };

/** The kinds of credentials that HTTP has words for. */
export const HTTP_CREDENTIALS = ["basic", "bearer", "digest"] as const;

/** The first hop of an endpoint, whose ends share `settings`; fails as {@link firstHop}. */
export function hopOf(
  endpoint: SourceEndpoint,
  env: Env,
  { limits, logins }: HttpSettings,
): Hop {
  const loginOf: LoginOf = (origin, user) => logins.at(origin, user, env);
  return firstHop(endpoint, limits.httpHeaderMaxBytes, loginOf);
}

/** Finds or begins the login of a user at an origin. */
export type LoginOf = (origin: string, user: DigestUser) => DigestLogin;

/** The first hop of an endpoint; `badEndpoint` says what is wrong with it and never shows a value. */
export function firstHop(
  endpoint: SourceEndpoint,
  headerMaxBytes: number,
  loginOf: LoginOf,
): Hop {
  const url = checkedUrl(endpoint.uri);
  const label = placeOf(url);
  const headers: Record<string, string> = { ...OWN_HEADERS, ...checkedHeaders(endpoint, label) };
  const auth = assertCredentials(endpoint.auth, HTTP_CREDENTIALS, `read ${label}`);
  if (auth !== null && headers.authorization !== undefined) {
    throw refused(label, `both "auth" and a header "Authorization" are declared; keep one`);
  }
  if (auth !== null && auth.type !== "digest") headers.authorization = authorizationOf(auth, label);
  if (auth?.type === "digest") assertUser(auth, label);
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length;
  if (bytes > headerMaxBytes) {
    throw refused(label, `the headers take ${bytes} bytes, at most ${headerMaxBytes} are sent`);
  }
  const login = auth?.type === "digest" ? loginOf(url.origin, auth) : null;
  return { url, label, headers, tls: endpoint.tls, login };
}

function refused(label: string, reason: string): ProtocolError {
  return new ProtocolError("badEndpoint", `cannot read ${label}: ${reason}`);
}

function checkedUrl(uri: string): URL {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw new ProtocolError(
      "badEndpoint",
      "cannot read an http source: its URI does not parse; write https://HOST/PATH, " +
        "with odd characters percent-encoded",
    );
  }
  const label = placeOf(url);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refused(label, `the scheme is "${url.protocol}"; use http: or https:`);
  }
  if (url.username !== "" || url.password !== "") {
    throw refused(label, `credentials in a URI end up in logs; declare them as "auth"`);
  }
  if (uri.includes("#")) {
    throw refused(
      label,
      `"#" starts a fragment, which no server sees; write %23 for a "#" in a name`,
    );
  }
  return url;
}

function checkedHeaders(endpoint: SourceEndpoint, label: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [declared, value] of Object.entries(endpoint.headers)) {
    const name = declared.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      throw refused(label, `${JSON.stringify(declared)} is no header name`);
    }
    if (REFUSED_HEADERS.has(name)) {
      throw refused(label, `the header "${declared}" is set by Quorus itself; remove it`);
    }
    if (headers[name] !== undefined) {
      throw refused(label, `the header "${declared}" is declared twice; keep one`);
    }
    if (!isHeaderValue(value)) {
      throw refused(
        label,
        `the value of the header "${declared}" has a line break, a control character or one outside ` +
          `Latin-1; remove it (a secret file may end in a line break)`,
      );
    }
    headers[name] = value;
  }
  return headers;
}

function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function authorizationOf(
  auth: Extract<Credentials, { type: "basic" | "bearer" }>,
  label: string,
): string {
  if (auth.type === "bearer") {
    if (!/^[\x21-\x7e]+$/.test(auth.token)) {
      throw refused(label, `the bearer token is empty or has a space, line break or odd character`);
    }
    return `Bearer ${auth.token}`;
  }
  assertUser(auth, label);
  const bytes = new TextEncoder().encode(`${auth.username}:${auth.password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** Names and passwords that can be sent, or hashed with a colon between them. */
function assertUser({ type, username, password }: UserCredentials, label: string): void {
  if (username.includes(":")) {
    throw refused(
      label,
      `a user name of ${type} authentication cannot contain ":" (RFC ${RFC[type]})`,
    );
  }
  // deno-lint-ignore no-control-regex -- control characters are what is refused here
  if (/[\x00-\x1f\x7f]/.test(username + password)) {
    throw refused(label, `the user name or password has a control character or a line break`);
  }
}

const RFC = { basic: 7617, digest: 7616 } as const;
type UserCredentials = Extract<Credentials, { type: "basic" | "digest" }>;
