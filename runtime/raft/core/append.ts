/** A leader writes into its log. */

import { nextStamp } from "./clock.ts";
import { type Entry, entryBytes, type EntryKind } from "./entry.ts";
import type { Leading, Raft } from "./state.ts";

/** Appends one entry; it goes out and to disk when the step ends. */
export function appendEntry(
  raft: Raft,
  leading: Leading,
  kind: EntryKind,
  data: Uint8Array,
): Entry {
  const { log } = raft;
  // A clock that is not known to be even stamps nothing: time stands still in the log meanwhile.
  const stampMs = leading.clock === "even"
    ? nextStamp(log.lastStampMs, raft.wallMs)
    : log.lastStampMs;
  const entry: Entry = { index: log.lastIndex + 1, term: raft.term, stampMs, kind, data };
  log.push(entry);
  leading.appended = true;
  leading.uncommittedBytes += entryBytes(entry);
  return entry;
}
