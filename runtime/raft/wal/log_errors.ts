/** How the log and the snapshots on disk say what is wrong. */

import { messageOf } from "../../base/errors.ts";
import { DiskError } from "../../env/errors.ts";
import { RaftError } from "../errors.ts";

/** Damage where something was acknowledged: what to do is the same wherever it is. */
export function logCorrupt(
  path: string,
  offset: number,
  index: number,
  reason: string,
  cause?: unknown,
): RaftError {
  return new RaftError(
    "LogCorrupt",
    `cannot open the log of a Raft member: ${path} at offset ${offset}, after entry ${index}: ${reason}, and what this member had acknowledged may be lost; remove it from its group and add it under a new id, as a learner, with an empty folder`,
    { details: { path, offset, index }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** A later version wrote it. */
export function unknownVersion(path: string, version: number): RaftError {
  return new RaftError(
    "LogVersion",
    `cannot open ${path}: its format is version ${version}, and this program knows version 1; run the version that wrote it, or a later one`,
    { details: { path, version } },
  );
}

/** A failure that ends a store: nothing may be assumed of what was not acknowledged. */
export function diskFailed(action: string, thrown: unknown): RaftError {
  if (thrown instanceof RaftError) return thrown;
  return new RaftError(
    "DiskFailed",
    `cannot ${action}: ${
      messageOf(thrown)
    }; the member must stop: check the disk, then start it again (what was not acknowledged may be kept or not)`,
    { cause: thrown, definite: false },
  );
}

/** There is no room; nothing of the order was written. */
export function diskFull(action: string, thrown: unknown): RaftError {
  return new RaftError(
    "DiskFull",
    `cannot ${action}: the disk is full, and nothing of it was written; free space, then try again`,
    { cause: thrown, retryable: true },
  );
}

/** Whether a disk call failed for want of space. */
export function isNoSpace(thrown: unknown): boolean {
  return thrown instanceof DiskError && thrown.code === "noSpace";
}
