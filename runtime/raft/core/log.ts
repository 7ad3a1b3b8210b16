/** The log in memory: entries over a base that a snapshot covers, and the configurations in it. */

import { assert } from "../../base/assert.ts";
import { type Configuration, decodeConfiguration } from "./configuration.ts";
import { type Entry, entryBytes, type SnapshotMeta } from "./entry.ts";
import type { Restored } from "./options.ts";

/** A configuration and the index from which it is in force. */
export interface PlacedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** The entry before the first that is held. */
interface Base {
  readonly index: number;
  readonly term: number;
  readonly stampMs: number;
}

const START: Base = { index: 0, term: 0, stampMs: 0 };

/** Entries are consecutive; nothing that was handed out is ever written into. */
export class RaftLog {
  #base: Base;
  #entries: Entry[] = [];
  /** Ascending, never empty: the first is in force at the base. */
  #configurations: PlacedConfiguration[];

  constructor(base: Base, configuration: PlacedConfiguration) {
    this.#base = base;
    this.#configurations = [configuration];
  }

  /** The last index that is not held any more; its term is still known. */
  get baseIndex(): number {
    return this.#base.index;
  }

  get firstIndex(): number {
    return this.#base.index + 1;
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#base.term;
  }

  /** Stamps never fall along the log: the next is at least this. */
  get lastStampMs(): number {
    return this.#entries.at(-1)?.stampMs ?? this.#base.stampMs;
  }

  /** The configuration in force: the last in the log, committed or not (dissertation, 4.1). */
  get configuration(): PlacedConfiguration {
    const last = this.#configurations.at(-1);
    assert(last !== undefined, "a log knows a configuration");
    return last;
  }

  /** The configuration that is in force at `index`; below the newest snapshot, the oldest known. */
  configurationAt(index: number): PlacedConfiguration {
    const placed = this.#configurations.findLast((candidate) => candidate.index <= index);
    return placed ?? this.#configurations[0] as PlacedConfiguration;
  }

  /** The configurations that entries of `(after, to]` made. */
  configurationsBetween(after: number, to: number): readonly PlacedConfiguration[] {
    if (this.configuration.index <= after) return [];
    return this.#configurations.filter(({ index }) => index > after && index <= to);
  }

  /** The term at `index`; undefined where the log does not reach, or no longer. */
  termAt(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term;
  }

  /** The entry at `index`, where it is held. */
  entryAt(index: number): Entry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  stampAt(index: number): number | undefined {
    return index === this.#base.index ? this.#base.stampMs : this.entryAt(index)?.stampMs;
  }

  /** Whether a log that ends with `(index, term)` holds at least what this one does (paper, 5.4.1). */
  isCoveredBy(index: number, term: number): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);
  }

  /** Entries `[from, to]`, of at most `maxBytes`, but at least one. */
  slice(from: number, to: number, maxBytes: number): Entry[] {
    assert(from > this.#base.index && to <= this.lastIndex, "only what is held can be read");
    const start = from - this.#base.index - 1;
    const stop = to - this.#base.index;
    let end = start;
    for (let bytes = 0; end < stop; end++) {
      bytes += entryBytes(this.#entries[end] as Entry);
      if (bytes > maxBytes && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  /** The cost in bytes of what is held of `(after, to]`. */
  bytesBetween(after: number, to: number): number {
    let bytes = 0;
    const end = Math.min(to, this.lastIndex) - this.#base.index;
    for (let at = Math.max(after - this.#base.index, 0); at < end; at++) {
      bytes += entryBytes(this.#entries[at] as Entry);
    }
    return bytes;
  }

  /** A leader's own entry. */
  push(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, "a log has no gaps");
    assert(entry.term >= this.lastTerm, "terms never fall along a log");
    this.#entries.push(entry);
    // What the snapshot covers is in its configuration already.
    if (entry.kind === "config" && entry.index > this.configuration.index) {
      const configuration = decodeConfiguration(entry.data);
      this.#configurations.push({ index: entry.index, configuration });
    }
  }

  /**
   * A follower's entries, whose predecessor matches. Only a conflict cuts: an append that came late must
   * not remove what stands behind it (paper, 5.3). Returns the first index that was cut, or null.
   */
  append(entries: readonly Entry[]): number | null {
    let position = 0;
    while (position < entries.length && this.#holds(entries[position] as Entry)) position++;
    const first = entries[position];
    if (first === undefined) return null;
    const cut = first.index <= this.lastIndex ? first.index : null;
    if (cut !== null) this.#truncate(cut);
    for (; position < entries.length; position++) this.push(entries[position] as Entry);
    return cut;
  }

  #holds(entry: Entry): boolean {
    return entry.index <= this.#base.index || this.termAt(entry.index) === entry.term;
  }

  #truncate(from: number): void {
    assert(from > this.#base.index, "what a snapshot covers is never cut");
    this.#entries.length = from - this.#base.index - 1;
    while (this.configuration.index >= from) this.#configurations.pop();
  }

  /** The last index up to `index` whose term is at most `term`: where two logs may agree. */
  lastPlaceOf(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#base.index && (this.termAt(at) as number) > term) at--;
    return Math.max(at, this.#base.index);
  }

  /** The end of what may go once a snapshot of `covered` is durable: a tail stays for slow followers. */
  compactable(covered: number, keepEntries: number, keepBytes: number): number {
    let index = Math.min(covered, this.lastIndex);
    let bytes = 0;
    for (let kept = 0; index > this.#base.index && kept < keepEntries; kept++, index--) {
      bytes += entryBytes(this.entryAt(index) as Entry);
      if (bytes > keepBytes) break;
    }
    return index;
  }

  /** Forgets the entries up to `index`. */
  compact(index: number): void {
    const term = this.termAt(index);
    assert(term !== undefined && index <= this.lastIndex, "only what is held can be compacted");
    const inForce = this.configurationAt(index);
    const stampMs = this.stampAt(index) as number;
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term, stampMs };
    this.#configurations = this.#configurations.filter((placed) => placed.index >= inForce.index);
  }

  /** Nothing but a snapshot is left. */
  reset(snapshot: SnapshotMeta): void {
    this.#base = snapshot;
    this.#entries = [];
    this.#configurations = [configurationOf(snapshot)];
  }
}

function configurationOf(snapshot: SnapshotMeta): PlacedConfiguration {
  return { index: snapshot.configurationIndex, configuration: snapshot.configuration };
}

/** The log that a disk held; `reset` if what the disk holds of it does not go on behind the snapshot. */
export function openLog(restored: Restored): { readonly log: RaftLog; readonly reset: boolean } {
  const { snapshot, entries } = restored;
  const first = entries[0];
  // Where an empty log on the disk begins is not known.
  if (first === undefined) return { log: afterSnapshot(snapshot), reset: snapshot.index > 0 };
  assert(first.index <= snapshot.index + 1, "entries leave no gap behind the snapshot");
  const covered = entries[snapshot.index - first.index];
  const continues = first.index === snapshot.index + 1 || covered?.term === snapshot.term;
  // A snapshot came whole and the member crashed before its log was reset.
  if (!continues) return { log: afterSnapshot(snapshot), reset: true };
  const log = new RaftLog(baseBefore(first, snapshot), configurationOf(snapshot));
  for (const entry of entries) if (entry.index > log.baseIndex) log.push(entry);
  return { log, reset: false };
}

function afterSnapshot(snapshot: SnapshotMeta): RaftLog {
  return new RaftLog(snapshot, configurationOf(snapshot));
}

/** Where entries begin before the snapshot's end, the first stands in for its unknown predecessor. */
function baseBefore(first: Entry, snapshot: SnapshotMeta): Base {
  if (first.index === 1) return START;
  return first.index === snapshot.index + 1 ? snapshot : first;
}
