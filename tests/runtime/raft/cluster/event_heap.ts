/** What will happen, ordered by virtual time; equal times keep the order in which they were planned. */

/** Something that will happen at `atMs`. */
export interface PlannedEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function isBefore(left: PlannedEvent, right: PlannedEvent): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** A binary heap. */
export class EventHeap {
  readonly #heap: PlannedEvent[] = [];
  #planned = 0;

  get size(): number {
    return this.#heap.length;
  }

  plan(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const event: PlannedEvent = { atMs, order: this.#planned, run };
    this.#planned += 1;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  take(): PlannedEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    while (true) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
