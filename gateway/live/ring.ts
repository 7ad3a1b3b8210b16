/** The newest events, shared by all clients: a slow one reads from here, one that was away goes on here. */

import { assert } from "../../runtime/base/assert.ts";
import { comparePositions, type EventPosition } from "./event_id.ts";
import type { LiveLimits } from "./limits.ts";
import type { LiveRecord } from "./record.ts";

/** Records by number: `first` is the oldest that is kept, `end` the next one that will come. */
export class EventRing {
  readonly #limits: Pick<LiveLimits, "ringEvents" | "ringBytes">;
  /** Kept from `#head` on. */
  #records: LiveRecord[] = [];
  #head = 0;
  #first = 0;
  #bytes = 0;
  #floor: EventPosition | null = null;

  constructor(limits: Pick<LiveLimits, "ringEvents" | "ringBytes">) {
    this.#limits = limits;
  }

  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#first + this.#records.length - this.#head;
  }

  /** All events after this position are here; null: nothing is known yet. */
  get floor(): EventPosition | null {
    return this.#floor;
  }

  /** The controllers have nothing older to tell than this: where the ring begins. */
  begin(floor: EventPosition): void {
    this.#floor ??= floor;
  }

  at(number: number): LiveRecord {
    const record = this.#records[this.#head + number - this.#first];
    assert(record !== undefined, `no event ${number} in the ring`);
    return record;
  }

  /** Takes a new record; `dropped` is told of each that makes room, with its number. */
  append(record: LiveRecord, dropped: (record: LiveRecord, number: number) => void): void {
    this.#records.push(record);
    this.#bytes += record.bytes;
    while (this.#isFull() && this.end - this.#first > 1) {
      const [oldest, number] = [this.at(this.#first), this.#first];
      this.#dropOldest(oldest);
      dropped(oldest, number);
    }
  }

  /** Puts older records, that were asked for later, in front of what is here: as many as fit. */
  prepend(older: readonly LiveRecord[], floor: EventPosition): void {
    const oldestHere = this.end > this.#first ? this.at(this.#first).position : null;
    const records = older.filter(({ position }) =>
      oldestHere === null || position === null || comparePositions(position, oldestHere) < 0
    );
    const room = Math.max(0, this.#limits.ringEvents - (this.end - this.#first));
    let from = records.length;
    let bytes = 0;
    while (from > Math.max(0, records.length - room)) {
      const next = records[from - 1]?.bytes ?? 0;
      if (this.#bytes + bytes + next > this.#limits.ringBytes) break;
      bytes += next;
      from -= 1;
    }
    this.#floor = from === 0 ? floor : records[from - 1]?.position ?? floor;
    this.#records = [...records.slice(from), ...this.#records.slice(this.#head)];
    this.#head = 0;
    this.#first -= records.length - from;
    this.#bytes += bytes;
  }

  /** The number of the first record after a position. */
  after(position: EventPosition): number {
    let number = this.end;
    while (number > this.#first) {
      const before = this.at(number - 1).position;
      if (before !== null && comparePositions(before, position) <= 0) break;
      number -= 1;
    }
    return number;
  }

  #isFull(): boolean {
    return this.end - this.#first > this.#limits.ringEvents ||
      this.#bytes > this.#limits.ringBytes;
  }

  #dropOldest(oldest: LiveRecord): void {
    this.#bytes -= oldest.bytes;
    this.#floor = oldest.position ?? this.#floor;
    this.#head += 1;
    this.#first += 1;
    if (this.#head > this.#limits.ringEvents) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
  }
}
