/**
 * A hashed timer wheel (Varghese and Lauck 1987, scheme 6): insert and cancel are O(1), so a
 * deadline that is nearly always cancelled costs two list links. Pure: ticks come in as numbers.
 */

import { assert } from "../base/assert.ts";

const NOT_SET = -1;

/** Something with a deadline; at most once in one wheel. */
export abstract class WheelEntry {
  /** @internal */ previous: WheelEntry | null = null;
  /** @internal */ next: WheelEntry | null = null;
  /** The tick it is due at, -1 when not set. */
  dueTick: number = NOT_SET;
  /** Called once when due; already out of the wheel, so it may be inserted again. */
  abstract expire(): void;
}

class Slot extends WheelEntry {
  constructor() {
    super();
    this.previous = this;
    this.next = this;
  }
  override expire(): void {}
}

/** The wheel; `tick` only moves forward. */
export class TimerWheel {
  readonly #slots: Slot[] = [];
  readonly #mask: number;
  #tick: number;
  #size = 0;

  /** A wheel of `slotCount` (a power of two) slots that stands at `tick`. */
  constructor(slotCount: number, tick: number) {
    assert(slotCount > 0 && (slotCount & (slotCount - 1)) === 0, "slot count is a power of two");
    for (let index = 0; index < slotCount; index += 1) this.#slots.push(new Slot());
    this.#mask = slotCount - 1;
    this.#tick = tick;
  }

  /** How many entries are set. */
  get size(): number {
    return this.#size;
  }

  /** Sets an entry; a tick that is not in the future counts as the next one. */
  insert(entry: WheelEntry, dueTick: number): void {
    assert(entry.dueTick === NOT_SET, "a wheel entry is set once");
    const due = dueTick > this.#tick ? dueTick : this.#tick + 1;
    const slot = this.#slots[due & this.#mask]!;
    const last = slot.previous!;
    entry.dueTick = due;
    entry.previous = last;
    entry.next = slot;
    last.next = entry;
    slot.previous = entry;
    this.#size += 1;
  }

  /** Takes an entry out; false if it was not set. */
  cancel(entry: WheelEntry): boolean {
    if (entry.dueTick === NOT_SET) return false;
    entry.dueTick = NOT_SET;
    if (entry.next === null) return true; // collected by a running advance, which skips it
    this.#unlink(entry);
    return true;
  }

  /** Moves to `tick` and expires what is due, by due tick and then in order of insertion. */
  advance(tick: number): void {
    const steps = Math.min(tick - this.#tick, this.#slots.length);
    const due: WheelEntry[] = [];
    for (let step = 1; step <= steps; step += 1) {
      this.#collect(this.#slots[(this.#tick + step) & this.#mask]!, tick, due);
    }
    if (tick > this.#tick) this.#tick = tick;
    if (steps > 1) due.sort((a, b) => a.dueTick - b.dueTick);
    for (const entry of due) {
      if (entry.dueTick === NOT_SET) continue;
      entry.dueTick = NOT_SET;
      entry.expire();
    }
  }

  /** The earliest tick anything is due at, `null` if nothing is set. */
  nextDue(): number | null {
    if (this.#size === 0) return null;
    let earliest = Infinity;
    for (let step = 1; step <= this.#slots.length; step += 1) {
      const tick = this.#tick + step;
      const slot = this.#slots[tick & this.#mask]!;
      for (let entry = slot.next!; entry !== slot; entry = entry.next!) {
        if (entry.dueTick === tick) return tick;
        if (entry.dueTick < earliest) earliest = entry.dueTick;
      }
    }
    return earliest;
  }

  #collect(slot: Slot, tick: number, due: WheelEntry[]): void {
    for (let entry = slot.next!; entry !== slot;) {
      const following = entry.next!;
      if (entry.dueTick <= tick) {
        this.#unlink(entry);
        due.push(entry);
      }
      entry = following;
    }
  }

  #unlink(entry: WheelEntry): void {
    entry.previous!.next = entry.next;
    entry.next!.previous = entry.previous;
    entry.previous = null;
    entry.next = null;
    this.#size -= 1;
  }
}
