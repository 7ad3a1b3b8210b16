/** Committed entries go to the machine; what it has applied and a snapshot covers leaves the log. */

import { assert } from "../../base/assert.ts";
import { entryBytes, type SnapshotMeta } from "./entry.ts";
import type { SnapshotFile } from "./messages.ts";
import type { Raft } from "./state.ts";

/** Hands over what is committed, as far as the machine keeps pace. */
export function handOver(raft: Raft): void {
  const { commit, handed, options, log } = raft;
  // A member that was never told what it is may be a witness, whose entries are empty.
  if (handed >= commit || raft.self === null) return;
  if (raft.self.witness) {
    raft.handed = commit;
    raft.applied = commit;
    return;
  }
  const roomBytes = options.applyingBytes - raft.applyingBytes;
  if (roomBytes <= 0) return;
  const entries = log.slice(handed + 1, commit, roomBytes);
  for (const entry of entries) raft.applyingBytes += entryBytes(entry);
  raft.handed = handed + entries.length;
  raft.out.apply = entries;
}

/** The machine has everything up to `index`. */
export function onApplied(raft: Raft, index: number): void {
  assert(index <= raft.handed, "only what was handed over is applied");
  if (index <= raft.applied) return;
  const bytes = raft.log.bytesBetween(raft.applied, index);
  raft.applyingBytes = Math.max(0, raft.applyingBytes - bytes);
  raft.applied = index;
}

/** A snapshot of the own state is durable. */
export function onSnapshotTaken(raft: Raft, snapshot: SnapshotMeta, file: SnapshotFile): void {
  if (snapshot.index <= raft.snapshot.snapshot.index) return;
  assert(snapshot.index <= raft.applied, "a snapshot holds what was applied");
  raft.snapshot = { snapshot, file };
  const { keepEntries, keepBytes } = raft.options;
  // An order under way may still write, or write anew, what a quorum of others has committed.
  const covered = Math.min(snapshot.index, raft.persistence.durableIndex);
  const index = raft.log.compactable(covered, keepEntries, keepBytes);
  if (index <= raft.log.baseIndex) return;
  raft.log.compact(index);
  raft.out.compact = index;
}

/** What a snapshot of the state at `index` says of itself; `index` is held and applied. */
export function snapshotMetaAt(raft: Raft, index: number): SnapshotMeta {
  const { log } = raft;
  const term = log.termAt(index);
  const stampMs = log.stampAt(index);
  assert(term !== undefined && stampMs !== undefined, "what a snapshot ends with is held");
  assert(index <= raft.applied, "a snapshot holds what was applied");
  const { configuration, index: configurationIndex } = log.configurationAt(index);
  return { index, term, stampMs, configuration, configurationIndex };
}
