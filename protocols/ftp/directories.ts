/** Making the directories of a destination, never through a link that leads away. */

import { splitPath } from "../containment.ts";
import { isMissing } from "./meaning.ts";
import type { FtpSession } from "./session.ts";

/**
 * Makes `directory` and its missing parents; one that is there is no error. `check` is asked about each
 * directory before another one is made in it.
 */
export async function makeDirectories(
  session: FtpSession,
  directory: string,
  check: (parent: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const missing: string[] = [];
  for (let at = directory; at !== "/" && !await session.isDirectory(at);) {
    missing.unshift(at);
    at = splitPath(at).directory;
  }
  for (const path of missing) {
    await check(splitPath(path).directory);
    try {
      await session.makeDirectory(path);
    } catch (thrown) {
      // Another transfer into the same directory was faster.
      if (isMissing(thrown) || session.isBroken || !await session.isDirectory(path)) throw thrown;
    }
  }
}
