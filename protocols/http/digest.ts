/** Digest access authentication (RFC 7616): the answer to a challenge. Pure. */

import { md5 } from "../objects/md5.ts";
import type { Hashing } from "../../runtime/env/env.ts";
import type { Challenge } from "./challenge.ts";

/** The hash functions that are known, the stronger one first. */
const ALGORITHMS = ["SHA-256", "MD5"] as const;
type Algorithm = typeof ALGORITHMS[number];

/** A challenge that can be answered. */
export interface DigestChallenge {
  readonly algorithm: Algorithm;
  /** The key is made with the first nonce, and kept for the session (RFC 7616, 3.4.2). */
  readonly isSession: boolean;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
  /** The server wants a hash in place of the user's name. */
  readonly hidesUser: boolean;
  /** The credentials are right, the nonce is too old. */
  readonly isStale: boolean;
}

/** Who asks. */
export interface DigestUser {
  readonly username: string;
  readonly password: string;
}

/** One request. */
export interface DigestRequest {
  readonly method: string;
  /** Path and query, as they are sent. */
  readonly target: string;
  /** How many requests were made with this nonce, this one included. */
  readonly count: number;
  /** Nobody can foretell it. */
  readonly clientNonce: string;
}

/** The strongest of the challenges that can be answered; `null` if there is none. */
export function digestAmong(challenges: readonly Challenge[]): DigestChallenge | null {
  const known = challenges.flatMap((one) => digestOf(one) ?? []);
  for (const algorithm of ALGORITHMS) {
    const found = known.find((one) => one.algorithm === algorithm);
    if (found !== undefined) return found;
  }
  return null;
}

function digestOf({ scheme, parameters }: Challenge): DigestChallenge | null {
  if (scheme !== "digest") return null;
  const declared = /^(.*?)(-sess)?$/i.exec(parameters.get("algorithm") ?? "MD5")!;
  const algorithm = ALGORITHMS.find((known) => known === declared[1]!.toUpperCase());
  const realm = parameters.get("realm");
  const nonce = parameters.get("nonce");
  // Without qop nothing binds an answer to its request but the nonce; no server in use wants that.
  const offered = (parameters.get("qop") ?? "").split(",").map((one) => one.trim().toLowerCase());
  if (algorithm === undefined || realm === undefined || nonce === undefined) return null;
  if (!offered.includes("auth") || !isSendable(realm + nonce)) return null;
  const opaque = parameters.get("opaque") ?? null;
  if (opaque !== null && !isSendable(opaque)) return null;
  return {
    ...{ algorithm, realm, nonce, opaque },
    isSession: declared[2] !== undefined,
    hidesUser: parameters.get("userhash")?.toLowerCase() === "true",
    isStale: parameters.get("stale")?.toLowerCase() === "true",
  };
}

/** What goes back to a server in a header field must be able to stand in one. */
function isSendable(text: string): boolean {
  return /^[\x20-\x7e\x80-\xff]*$/.test(text);
}

/** The value of `Authorization` that answers a challenge for one request. */
export function authorizationOf(
  challenge: DigestChallenge,
  user: DigestUser,
  request: DigestRequest,
  hashing: Hashing,
): string {
  const { algorithm, realm, nonce, opaque, hidesUser, isSession } = challenge;
  const hash = (text: string) => hexOf(algorithm, text, hashing);
  const count = request.count.toString(16).padStart(8, "0");
  const { clientNonce, target, method } = request;
  const space = textOf(realm);
  const account = hash(`${user.username}:${space}:${user.password}`);
  const secret = isSession ? hash(`${account}:${nonce}:${clientNonce}`) : account;
  const question = hash(`${method}:${target}`);
  const response = hash(`${secret}:${nonce}:${count}:${clientNonce}:auth:${question}`);
  const name = hidesUser
    ? `username=${quoted(hash(`${user.username}:${space}`))}`
    : nameOf(user.username);
  return [
    `Digest ${name}`,
    `realm=${quoted(realm)}`,
    `uri=${quoted(target)}`,
    `algorithm=${algorithm}${isSession ? "-sess" : ""}`,
    `nonce=${quoted(nonce)}`,
    `nc=${count}`,
    `cnonce=${quoted(clientNonce)}`,
    "qop=auth",
    `response=${quoted(response)}`,
    ...(opaque === null ? [] : [`opaque=${quoted(opaque)}`]),
    ...(hidesUser ? ["userhash=true"] : []),
  ].join(", ");
}

/** Names that no quoted string can hold are sent as RFC 8187 has it. */
function nameOf(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quoted(username)}`;
  const encoded = encodeURIComponent(username).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `username*=UTF-8''${encoded}`;
}

/** A header field comes as its bytes, one character each; servers hash the text that they wrote. */
function textOf(field: string): string {
  const bytes = Uint8Array.from(field, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function hexOf(algorithm: Algorithm, text: string, hashing: Hashing): string {
  const bytes = new TextEncoder().encode(text);
  if (algorithm === "SHA-256") {
    const hasher = hashing.sha256();
    hasher.update(bytes);
    return hasher.digestHex();
  }
  const hasher = md5();
  hasher.update(bytes);
  return Uint8Array.fromBase64(hasher.digestBase64()).toHex();
}
