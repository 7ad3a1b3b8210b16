/** MD5 (RFC 1321): no proof of anything, but what object stores keep of a content and check it by. */

import { createHash } from "node:crypto";

/** A running MD5. */
export interface RunningMd5 {
  update(bytes: Uint8Array): void;
  /** In base64, as header fields have it; ends it. */
  digestBase64(): string;
}

/** A new one. */
export function md5(): RunningMd5 {
  const hash = createHash("md5");
  return {
    update: (bytes) => void hash.update(bytes),
    digestBase64: () => hash.digest("base64"),
  };
}
