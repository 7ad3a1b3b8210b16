/** A log as plain data: what a member wrote, or what its disk holds. */

import type { Entry, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";

/** {@link LogShadow.termAt} of an index after the end. */
export const BEYOND = -1;
/** {@link LogShadow.termAt} of an index whose entry is gone (compacted). */
export const GONE = -2;

/** Consecutive entries after `base`. */
export class LogShadow {
  base = 0;
  baseTerm = 0;
  entries: Entry[] = [];

  get lastIndex(): number {
    return this.base + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.length === 0 ? this.baseTerm : this.entries[this.entries.length - 1]!.term;
  }

  /** The term at `index`, {@link BEYOND} or {@link GONE}. */
  termAt(index: number): number {
    if (index > this.lastIndex) return BEYOND;
    if (index === this.base) return this.baseTerm;
    return index < this.base ? GONE : this.entries[index - this.base - 1]!.term;
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.base - 1];
  }

  /** Puts one entry at its index and drops all after it. */
  put(entry: Entry): void {
    const place = entry.index - this.base - 1;
    if (place < this.entries.length) this.entries.length = place;
    this.entries.push(entry);
  }

  reset(snapshot: SnapshotMeta): void {
    this.base = snapshot.index;
    this.baseTerm = snapshot.term;
    this.entries = [];
  }

  /** Drops what stands up to `index`. */
  compact(index: number): void {
    const through = Math.min(index, this.lastIndex);
    if (through <= this.base) return;
    this.baseTerm = this.termAt(through);
    this.entries.splice(0, through - this.base);
    this.base = through;
  }
}
