/** The SHA-256 of a local file. */

import type { Env } from "../../runtime/env/env.ts";
import { assertNotAborted } from "../aborting.ts";
import { assertRegularFile, shownPath } from "../containment.ts";
import { protocolLimits } from "../limits.ts";

/** Lower-case hexadecimal SHA-256 of the regular file at `path`; a link in its place is refused. */
export async function hashOfFile(env: Env, path: string, signal: AbortSignal): Promise<string> {
  const file = await env.disk.open(path, { read: true, noFollow: true });
  try {
    assertRegularFile(path, await file.stat());
    const hasher = env.hash.sha256();
    const buffer = new Uint8Array(protocolLimits.fileHashReadBytes);
    for (let position = 0;;) {
      assertNotAborted(`hash ${shownPath(path)}`, signal);
      const count = await file.read(buffer, position);
      if (count === 0) return hasher.digestHex();
      hasher.update(buffer.subarray(0, count));
      position += count;
    }
  } finally {
    await file.close();
  }
}
