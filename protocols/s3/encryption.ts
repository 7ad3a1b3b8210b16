/** Keys of the customer's own (SSE-C), which the server is shown with each request. */

import { createHash } from "node:crypto";
import type { ProtocolError } from "../errors.ts";

const PREFIX = "x-amz-server-side-encryption-customer";
const KEY_BYTES = 32;

/** The three header fields of a key in base64; the key itself is in no message. */
export function customerKeyHeaders(
  declared: string,
  refuse: (reason: string) => ProtocolError,
): Readonly<Record<string, string>> {
  const key = decoded(declared.trim());
  if (key === null || key.length !== KEY_BYTES) {
    throw refuse(`the header "${PREFIX}-key" is not ${KEY_BYTES} bytes in base64`);
  }
  return {
    [`${PREFIX}-algorithm`]: "AES256",
    [`${PREFIX}-key`]: key.toBase64(),
    [`${PREFIX}-key-md5`]: createHash("md5").update(key).digest("base64"),
  };
}

/** The same fields for the source of a copy. */
export function copySourceKeyHeaders(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace("x-amz-", "x-amz-copy-source-"),
      value,
    ]),
  );
}

function decoded(text: string): Uint8Array | null {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}
