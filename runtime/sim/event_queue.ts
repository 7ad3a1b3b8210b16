/** The events of a world in the order of virtual time; equal times keep the order of scheduling. */

/** Something that will happen, unless it is cancelled. */
export interface SimEvent {
  readonly atMs: number;
  readonly sequence: number;
  readonly label: string;
  readonly happen: () => void;
  cancelled: boolean;
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** A binary heap of events. */
export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #sequence = 0;

  add(atMs: number, label: string, happen: () => void): SimEvent {
    const event = { atMs, sequence: this.#sequence++, label, happen, cancelled: false };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** The next event that was not cancelled, left in place. */
  peek(): SimEvent | undefined {
    while (this.#heap[0]?.cancelled) this.#takeFirst();
    return this.#heap[0];
  }

  /** Takes the next event that was not cancelled. */
  take(): SimEvent | undefined {
    const event = this.peek();
    if (event !== undefined) this.#takeFirst();
    return event;
  }

  #takeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(this.#heap[index]!, this.#heap[parent]!)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const smaller = right < this.#heap.length && isBefore(this.#heap[right]!, this.#heap[left]!)
        ? right
        : left;
      if (!isBefore(this.#heap[smaller]!, this.#heap[index]!)) return;
      this.#swap(index, smaller);
      index = smaller;
    }
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
