/** The events of a world in the order of virtual time; equal times keep the order of scheduling. */

import type { TimerHandle } from "../env/env.ts";

/** Children of a place in the heap: four are near each other in memory, and halve its depth. */
const WIDTH = 4;
const FIRST_PLACES = 256;

/** Something that will happen, unless it is cancelled. */
export class SimEvent implements TimerHandle {
  readonly label: string;
  readonly happen: () => void;
  isCancelled = false;

  constructor(label: string, happen: () => void) {
    this.label = label;
    this.happen = happen;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

/** A heap of events, keyed by (time, number of scheduling). */
export class EventQueue {
  readonly #events: SimEvent[] = [];
  #times = new Float64Array(FIRST_PLACES);
  #numbers = new Float64Array(FIRST_PLACES);
  #count = 0;

  add(atMs: number, label: string, happen: () => void): SimEvent {
    const event = new SimEvent(label, happen);
    const size = this.#events.length;
    if (size === this.#times.length) this.#grow();
    this.#events.push(event);
    this.#rise(size, event, atMs, this.#count);
    this.#count += 1;
    return event;
  }

  /** When the next event happens; `Infinity` where there is none. */
  nextAtMs(): number {
    while (this.#events[0]?.isCancelled === true) this.#removeFirst();
    return this.#events.length === 0 ? Infinity : this.#times[0]!;
  }

  /** Takes the next event that was not cancelled. */
  take(): SimEvent | undefined {
    if (this.nextAtMs() === Infinity) return undefined;
    const event = this.#events[0]!;
    this.#removeFirst();
    return event;
  }

  /** Labels of all events that were not cancelled, in the order of scheduling. */
  labels(): string[] {
    return this.#events
      .map(({ label, isCancelled }, place) => ({ label, isCancelled, at: this.#numbers[place]! }))
      .filter(({ isCancelled }) => !isCancelled)
      .sort((one, other) => one.at - other.at)
      .map(({ label }) => label);
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    const numbers = new Float64Array(2 * this.#numbers.length);
    times.set(this.#times);
    numbers.set(this.#numbers);
    this.#times = times;
    this.#numbers = numbers;
  }

  #removeFirst(): void {
    const last = this.#events.length - 1;
    const event = this.#events.pop()!;
    if (last > 0) this.#sink(event, this.#times[last]!, this.#numbers[last]!);
  }

  /** Puts an event at `place` or above, where its parent is not later. */
  #rise(from: number, event: SimEvent, atMs: number, number: number): void {
    const times = this.#times;
    let place = from;
    while (place > 0) {
      const parent = ((place - 1) / WIDTH) | 0;
      const parentAtMs = times[parent]!;
      if (parentAtMs < atMs || (parentAtMs === atMs && this.#numbers[parent]! < number)) break;
      this.#put(place, this.#events[parent]!, parentAtMs, this.#numbers[parent]!);
      place = parent;
    }
    this.#put(place, event, atMs, number);
  }

  /** Puts an event at the first place or below, where no child is earlier. */
  #sink(event: SimEvent, atMs: number, number: number): void {
    const size = this.#events.length;
    let place = 0;
    for (;;) {
      const child = this.#earliestChild(place, size);
      if (child < 0) break;
      const childAtMs = this.#times[child]!;
      if (atMs < childAtMs || (atMs === childAtMs && number < this.#numbers[child]!)) break;
      this.#put(place, this.#events[child]!, childAtMs, this.#numbers[child]!);
      place = child;
    }
    this.#put(place, event, atMs, number);
  }

  #earliestChild(place: number, size: number): number {
    const first = WIDTH * place + 1;
    if (first >= size) return -1;
    const times = this.#times;
    let earliest = first;
    const end = Math.min(first + WIDTH, size);
    for (let child = first + 1; child < end; child += 1) {
      const isBefore = times[child]! < times[earliest]! ||
        (times[child] === times[earliest] && this.#numbers[child]! < this.#numbers[earliest]!);
      if (isBefore) earliest = child;
    }
    return earliest;
  }

  #put(place: number, event: SimEvent, atMs: number, number: number): void {
    this.#events[place] = event;
    this.#times[place] = atMs;
    this.#numbers[place] = number;
  }
}
