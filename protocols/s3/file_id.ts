/** The identity of an upload, which is in the grant and becomes metadata of the object. */

import type { Env } from "../../runtime/env/env.ts";

const RANDOM_BYTES = 16;

/** Random bytes in hexadecimal. */
export function hex({ random }: Env, bytes: number): string {
  return random.bytes(bytes).toHex();
}

/** A new identity, which no other upload has. */
export function newFileId(env: Env): string {
  return hex(env, RANDOM_BYTES);
}

/** The identity of an object that we have not made. */
export function foreignId(etag: string | null): string | null {
  return etag === null ? null : `etag:${etag}`;
}
