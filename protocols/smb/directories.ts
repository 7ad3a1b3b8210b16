/** The directories of a path: made where they are missing, never through one that leads elsewhere. */

import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { sharePath } from "./names.ts";
import type { SmbSession } from "./session.ts";
import { found, makeDirectory } from "./share.ts";

/** Makes the directories of `segments` that are missing; one that is there is no error. */
export async function makeDirectories(
  session: SmbSession,
  segments: readonly string[],
): Promise<void> {
  let there = segments.length;
  while (there > 0 && await found(session, sharePath(segments.slice(0, there))) === null) there--;
  for (let count = there + 1; count <= segments.length; count++) {
    const path = sharePath(segments.slice(0, count));
    try {
      await makeDirectory(session, path);
    } catch (thrown) {
      // Another transfer into the same directory was faster.
      const isThere = thrown instanceof ProtocolError && thrown.code === "exists" &&
        (await found(session, path))?.kind === "directory";
      if (!isThere) throw thrown;
    }
  }
}

/**
 * Below the first `trusted` segments no directory may be a reparse point (a symbolic link, a junction):
 * `escapes`. Links that a Samba server follows by itself look like directories to everybody.
 */
export async function assertNoLinks(
  session: SmbSession,
  segments: readonly string[],
  trusted: number,
): Promise<void> {
  for (let count = trusted + 1; count <= segments.length; count++) {
    const path = sharePath(segments.slice(0, count));
    if ((await found(session, path))?.kind !== "link") continue;
    const message = `cannot use ${session.place}${shownPath(path)}: it is a link that may lead ` +
      "out of the declared directory; declare its directory literally if it is meant";
    throw new ProtocolError("escapes", message, { definite: true });
  }
}
