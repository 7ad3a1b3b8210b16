/** Builds the log from its records; later ones win. Says what does not fit instead of guessing. */

import { assert } from "../../base/assert.ts";
import type { Entry, HardState } from "../core/entry.ts";
import { type LiveSegment, type LogEnd, noteRecord } from "./log_state.ts";
import type { CheckpointRecord, LogRecord, OrderRecord } from "./records.ts";

const NO_HARD_STATE: HardState = { term: 0, vote: null, commit: 0 };

/** A record that contradicts those before it. */
class ReplayMismatch extends Error {
  override readonly name = "ReplayMismatch";
}

/** The log as its records are read, oldest first. */
export class Replay {
  readonly segments: LiveSegment[] = [];
  #end: LogEnd | null = null;
  /** Entries up to here are gone: compacted, or covered by the snapshot of a reset. */
  #goneThrough = 0;
  readonly #entries: Entry[] = [];

  /** Where the log stands; a checkpoint was read. */
  get end(): LogEnd {
    assert(this.#end !== null, "a log begins with a checkpoint");
    return this.#end;
  }

  get lastIndex(): number {
    return this.#end?.lastIndex ?? 0;
  }

  get goneThrough(): number {
    return this.#goneThrough;
  }

  /** From `goneThrough + 1` on. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The term of an entry that is there. */
  termAt(index: number): number | null {
    return this.#entries[index - this.#goneThrough - 1]?.term ?? null;
  }

  /** The next segment begins. */
  begin(sequence: number, path: string): void {
    this.segments.push({ sequence, path, liveThrough: 0 });
  }

  /** Takes the next record in; {@link ReplayMismatch} where it cannot follow. */
  take(record: LogRecord, isFirst: boolean): void {
    if (isFirst !== (record.kind === "checkpoint")) {
      throw new ReplayMismatch("a segment begins with a checkpoint, and no other record is one");
    }
    if (record.kind === "checkpoint") this.#check(record);
    if (record.kind === "order") this.#order(record);
  }

  #check({ lastIndex, base, hardState }: CheckpointRecord): void {
    if (this.#end === null) {
      this.#end = { lastIndex, base, hardState };
      this.#goneThrough = lastIndex;
      return;
    }
    if (lastIndex !== this.#end.lastIndex || base.index !== this.#end.base.index) {
      throw new ReplayMismatch(
        `the segment follows entry ${lastIndex}, the log ends with ${this.#end.lastIndex}`,
      );
    }
  }

  #order({ reset, hardState, entries }: OrderRecord): void {
    let { base, lastIndex } = this.end;
    if (reset !== null) {
      base = reset;
      lastIndex = reset.index;
      this.#goneThrough = reset.index;
      this.#entries.length = 0;
    }
    const first = entries[0]?.index;
    if (first !== undefined) {
      if (first > lastIndex + 1 || first <= base.index) {
        throw new ReplayMismatch(`entry ${first} follows entry ${lastIndex}`);
      }
      this.#goneThrough = Math.min(this.#goneThrough, first - 1);
      this.#entries.length = first - 1 - this.#goneThrough;
      for (const entry of entries) this.#entries.push(entry);
      lastIndex = entries.at(-1)!.index;
    }
    this.#end = { base, lastIndex, hardState: hardState ?? this.end.hardState };
    noteRecord(this.segments, reset, entries);
  }
}

/** What a log that nobody has written to stands at. */
export function firstEnd(base: LogEnd["base"]): LogEnd {
  return { base, lastIndex: base.index, hardState: NO_HARD_STATE };
}
