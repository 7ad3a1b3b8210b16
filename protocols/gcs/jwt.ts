/**
 * The assertion by which a service account asks for a token (RFC 7523; RS256 of RFC 7518). Signed by
 * `node:crypto` and not by WebCrypto, whose calls complete in any order: RSASSA-PKCS1-v1_5 gives the same
 * bytes each time.
 */

import { createPrivateKey, sign } from "node:crypto";
import { ProtocolError } from "../errors.ts";

/** What a service account's file says that is needed here. Secret. */
export interface ServiceAccount {
  readonly clientEmail: string;
  readonly privateKey: string;
  readonly privateKeyId: string | null;
  readonly tokenUri: string;
}

const LIFETIME_S = 3_600;
const UTF8 = new TextEncoder();

/** A signed assertion for `scope`, good for an hour from `nowMs`. */
export function assertionOf(account: ServiceAccount, scope: string, nowMs: number): string {
  const { clientEmail, privateKey, privateKeyId, tokenUri } = account;
  const kid = privateKeyId === null ? {} : { kid: privateKeyId };
  const iat = Math.floor(nowMs / 1_000);
  const claims = { iss: clientEmail, scope, aud: tokenUri, iat, exp: iat + LIFETIME_S };
  const head = { alg: "RS256", typ: "JWT", ...kid };
  const text = [head, claims].map((part) => base64Url(UTF8.encode(JSON.stringify(part)))).join(".");
  return `${text}.${base64Url(signature(privateKey, text))}`;
}

function signature(privateKey: string, text: string): Uint8Array {
  try {
    return sign("RSA-SHA256", UTF8.encode(text), createPrivateKey(privateKey));
  } catch {
    // What the library says of a key could quote it.
    const message = "cannot sign in as a service account: its file holds no usable private key; " +
      "download it again";
    throw new ProtocolError("unauthenticated", message);
  }
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
