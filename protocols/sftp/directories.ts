/** Making the directories of a destination. */

import { splitPath } from "../containment.ts";
import { isMissing } from "./publish.ts";
import type { SftpSession } from "./session.ts";

/** Makes `directory` and its missing parents; one that is there is no error. */
export async function makeDirectories(session: SftpSession, directory: string): Promise<void> {
  const missing: string[] = [];
  for (let at = directory; at !== "/" && await session.stat(at, "follow") === null;) {
    missing.unshift(at);
    at = splitPath(at).directory;
  }
  for (const path of missing) {
    try {
      await session.makeDirectory(path);
    } catch (thrown) {
      // Another transfer into the same directory was faster.
      if (isMissing(thrown) || await session.stat(path, "follow") === null) throw thrown;
    }
  }
}
