/** What is done with a source file once its receipt is committed: nothing, removed, or moved away. */

import type { Wanted } from "./wanted.ts";
import { uriBelow } from "./file.ts";
import type { SetWork } from "./tools.ts";

/**
 * Removes or moves the source, if that is asked for and it is still the version that was listed; one that
 * is gone is settled. Fails as the protocol does: `changed` for another version.
 */
export async function settleSource(
  work: SetWork,
  { path, entry, directory }: Wanted,
): Promise<void> {
  const { spec: { after }, reports, signal } = work;
  // A file of an earlier lease is met again by the walk, which knows its version.
  if (after === null || entry === null || directory === null) return;
  const { name, fingerprint: expected } = entry;
  const isDone = after === "delete"
    ? await directory.remove(name, expected, signal)
    : await directory.rename(name, uriBelow(after.move, path), {
      replace: false,
      createDirectories: true,
      expected,
    }, signal);
  if (isDone) reports.count("settled");
}
