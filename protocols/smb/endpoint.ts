/** Checking a declared smb endpoint: which share, who asks, and how well the connection is protected. */

import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { type NetworkPlace, networkPlaceOf, shownHost } from "../network_uri.ts";
import { smbName } from "./names.ts";

/** The kinds of credentials that an SMB server can be shown. */
export const SMB_CREDENTIALS = ["basic", "kerberos"] as const;

/** A dialect of SMB as smb.conf names it. */
export type Dialect = "SMB2_02" | "SMB2_10" | "SMB3_00" | "SMB3_02" | "SMB3_11";

/** Everything that tells one connection from another. */
export interface SmbTarget {
  readonly host: string;
  readonly port: number;
  readonly share: string;
  readonly user: string | null;
  readonly domain: string | null;
  readonly proof:
    | { readonly type: "password"; readonly password: string }
    /** A credential cache; `null` for the one of the machine. */
    | { readonly type: "ticket"; readonly file: string | null };
  readonly minimum: Dialect;
  readonly maximum: Dialect;
  readonly signing: "required" | "desired";
  /** `off`: not asked for; what the server demands is done all the same. */
  readonly encryption: "required" | "desired" | "off";
  readonly largeBuffers: boolean;
  readonly timeoutMs: number | null;
  readonly idleMs: number | null;
}

/** A path of a share. */
export interface SmbPlace {
  readonly target: SmbTarget;
  readonly place: NetworkPlace;
  /** Below the share, from `/` on. */
  readonly path: string;
  /** For messages: `smb://host/share`. */
  readonly label: string;
}

/** The options with what they say; what is not here is refused by name. */
export const SMB_OPTIONS = {
  smbVersion: "one dialect: 2, 2.0.2, 2.1, 3, 3.0, 3.0.2 or 3.1.1; from 2 to 3.1.1 unless said",
  signing: "required or desired (default)",
  encryption: "required, desired, or off (default): only where the server demands it",
  largeBuffers:
    "false: no more than 64 KiB on the way at once; true (default): what both ends take",
} as const;

const PORT = 445;
const VERSIONS: Readonly<Record<string, readonly [Dialect, Dialect]>> = {
  "2": ["SMB2_02", "SMB2_10"],
  "2.0": ["SMB2_02", "SMB2_02"],
  "2.0.2": ["SMB2_02", "SMB2_02"],
  "2.1": ["SMB2_10", "SMB2_10"],
  "3": ["SMB3_00", "SMB3_11"],
  "3.0": ["SMB3_00", "SMB3_00"],
  "3.0.0": ["SMB3_00", "SMB3_00"],
  "3.0.2": ["SMB3_02", "SMB3_02"],
  "3.1.1": ["SMB3_11", "SMB3_11"],
};

type Refuse = (reason: string) => ProtocolError;

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function smbPlaceOf(endpoint: Endpoint): SmbPlace {
  const place = networkPlaceOf(["smb"], endpoint.uri);
  const [, share = "", ...segments] = place.path.split("/");
  const label = `smb://${shownHost(place.host, place.port)}/${share}`;
  const refuse: Refuse = (reason) =>
    new ProtocolError("badEndpoint", `cannot use ${label}: ${reason}`);
  if (share === "" || place.path.indexOf("/", 1) < 0) {
    throw refuse("the path names no share and something in it; write smb://HOST/SHARE/PATH");
  }
  if (smbName(share).startsWith("-") || /[%=]/.test(share)) throw refuse("that is no share");
  if (!/^[a-z0-9.:_-]+$/.test(place.host) || place.host.startsWith("-")) {
    throw refuse("that is no host");
  }
  if (Object.keys(endpoint.headers).length > 0) throw refuse("SMB has no headers; remove them");
  if (endpoint.tls !== null) throw refuse('SMB has no TLS; set option "encryption": required');
  const target = {
    ...{ host: place.host, port: place.port ?? PORT, share },
    ...identityOf(endpoint, place, label, refuse),
    ...protectionOf(endpoint, refuse),
    timeoutMs: endpoint.responseTimeoutMs,
    idleMs: endpoint.idleTimeoutMs,
  };
  return { label, place, path: `/${segments.join("/")}`, target };
}

/** Whether a URI names a path of the same share for the same user. */
export function isSameShare(one: SmbPlace, other: NetworkPlace): boolean {
  const share = other.path.split("/")[1] ?? "";
  return one.place.host === other.host && one.target.port === (other.port ?? PORT) &&
    one.target.share.toLowerCase() === share.toLowerCase() &&
    (other.user === null || one.place.user === null || one.place.user === other.user);
}

function identityOf(
  endpoint: Endpoint,
  place: NetworkPlace,
  label: string,
  refuse: Refuse,
): Pick<SmbTarget, "user" | "domain" | "proof"> {
  const credentials = assertCredentials(endpoint.auth, SMB_CREDENTIALS, `use ${label}`);
  if (credentials === null) {
    throw refuse(`it takes credentials; declare "auth" of type ${SMB_CREDENTIALS.join(" or ")}`);
  }
  const declared = splitUser(credentials.username ?? null);
  const written = splitUser(place.user);
  if (declared.user !== null && written.user !== null && declared.user !== written.user) {
    throw refuse("the URI and the credentials name different users; keep one of them");
  }
  const user = declared.user ?? written.user;
  const domain = declared.domain ?? written.domain;
  for (const [what, text] of [["user", user], ["domain", domain]] as const) {
    // smbclient takes what follows % for a password, and / and \ for the end of a domain.
    if (text !== null && (text === "" || /[%/\\]|\p{Cc}/u.test(text) || text.startsWith("-"))) {
      throw refuse(`the ${what} holds a character that smbclient takes for something else`);
    }
  }
  return { user, domain, proof: proofOf(credentials, refuse) };
}

/** `DOMAIN;user` as in URIs, `DOMAIN\user` as in Windows. */
function splitUser(text: string | null): { user: string | null; domain: string | null } {
  const match = /^([^;\\]+)[;\\]([^]+)$/.exec(text ?? "");
  if (match === null) return { user: text, domain: null };
  return { domain: match[1]!, user: match[2]! };
}

function proofOf(
  credentials: Extract<Credentials, { type: typeof SMB_CREDENTIALS[number] }>,
  refuse: Refuse,
): SmbTarget["proof"] {
  if (credentials.type === "kerberos") {
    const { file = null } = credentials;
    if (file !== null && !/^(?:FILE:)?\/[^\p{Cc}]*$/u.test(file)) {
      throw refuse("the credential cache is no absolute path");
    }
    return { type: "ticket", file };
  }
  const { password } = credentials;
  if (password.includes("\0")) throw refuse("the password holds NUL, which no program can be told");
  return { type: "password", password };
}

function protectionOf(
  { options }: Endpoint,
  refuse: Refuse,
): Pick<SmbTarget, "minimum" | "maximum" | "signing" | "encryption" | "largeBuffers"> {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(SMB_OPTIONS, name)) continue;
    if (name === "directIO") {
      throw refuse("option directIO is nothing that smbclient has; remove it");
    }
    throw refuse(
      `there is no option "${name}"; there are ${Object.keys(SMB_OPTIONS).join(", ")}`,
    );
  }
  const { smbVersion, signing = "desired", encryption = "off", largeBuffers } = options;
  const [minimum, maximum] = dialectsOf(smbVersion, refuse);
  if (signing !== "required" && signing !== "desired") {
    throw refuse("option signing can be required or desired");
  }
  const kinds = ["required", "desired", "off"] as const;
  const kind = kinds.find((one) => one === encryption);
  if (kind === undefined) throw refuse("option encryption can be required, desired or off");
  if (kind === "required" && maximum.startsWith("SMB2")) {
    throw refuse("SMB 2 has no encryption; leave smbVersion out, or set it to 3");
  }
  const isLarge = largeBuffers === undefined || String(largeBuffers) === "true";
  if (!isLarge && String(largeBuffers) !== "false") {
    throw refuse("option largeBuffers can be true or false");
  }
  return { minimum, maximum, signing, encryption: kind, largeBuffers: isLarge };
}

function dialectsOf(
  declared: string | number | boolean | undefined,
  refuse: Refuse,
): readonly [Dialect, Dialect] {
  if (declared === undefined) return ["SMB2_02", "SMB3_11"];
  const text = String(declared);
  if (/^(?:1|1\.0|smb1|nt1|cifs)$/i.test(text)) {
    throw refuse("SMB 1 protects nothing and is not spoken; use smbVersion 3.1.1");
  }
  const dialects = Object.hasOwn(VERSIONS, text) ? VERSIONS[text] : undefined;
  if (dialects !== undefined) return dialects;
  throw refuse(`option smbVersion can be ${Object.keys(VERSIONS).join(", ")}`);
}
