/** How far a set of files is, as it is shown. */

import { z } from "zod";
import type { SetProgress } from "../set/record.ts";

const count = z.number().int().nonnegative();

/** Counts but `files` and `bytes` are of its last walk. */
export const setView = z.object({
  /** Copied since the job was submitted. */
  files: count,
  bytes: count,
  /** At their destination already. */
  unchanged: count,
  /** Not selected, not complete yet, or gone before their turn. */
  left: count,
  failed: count,
  /** Of the destination, which the source has not. */
  deleted: count,
  /** Source files that were deleted or moved after their receipt. */
  settled: count,
  /** Being published, as far as the cluster knows. */
  open: count,
  /** The first of those that have failed. */
  failures: z.array(z.object({
    path: z.string(),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
  })),
});

/** What the state keeps of a set, as it is shown. */
export function viewSet(set: SetProgress): z.infer<typeof setView> {
  const { files, bytes, unchanged, left, failed, deleted, settled, open, failures } = set;
  return {
    ...{ files, bytes, unchanged, left, failed, deleted, settled },
    open: open.length,
    failures: failures.map((failure) => ({ ...failure })),
  };
}
