/** The identity of an upload: random, and what stood at its name before. Pure but for the random part. */

import type { Env } from "../../runtime/env/env.ts";

const RANDOM_BYTES = 16;
const NOTHING = "-";

/** Random bytes in hexadecimal. */
export function hex({ random }: Env, bytes: number): string {
  return random.bytes(bytes).toHex();
}

/** A new identity of a file that is begun while `base` stands at its name. */
export function newFileId(env: Env, base: string | null): string {
  return `${hex(env, RANDOM_BYTES)}@${base === null ? NOTHING : base.replace(/"/g, "")}`;
}

/** Whether what stands now, an entity tag or nothing, stood there when the file was begun. */
export function isBaseOf(fileId: string, standing: string | null): boolean {
  const base = fileId.slice(fileId.indexOf("@") + 1);
  return base === (standing === null ? NOTHING : standing.replace(/"/g, ""));
}

/** The identity of an object that we have not made. */
export function foreignId(etag: string | null): string | null {
  return etag === null ? null : `etag:${etag}`;
}
