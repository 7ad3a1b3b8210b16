/** The chunks of one attempt: which is next to fetch, and how far the in-order hash is. */

/** See the head of this file. */
export class ChunkBoard {
  frontier: number;
  readonly end: number;
  readonly complete = new Set<number>();
  #next: number;
  /** Taken and not fetched: they go first, the lowest before the others. */
  readonly #again: number[] = [];
  #changed: (() => void)[] = [];

  constructor(from: number, end: number) {
    this.#next = from;
    this.frontier = from;
    this.end = end;
  }

  /** The next chunk to fetch; `null`: there is none. */
  get next(): number | null {
    if (this.#again[0] !== undefined) return this.#again[0];
    return this.#next < this.end ? this.#next : null;
  }

  /** Whoever has taken a chunk fetches it, or gives it back. */
  take(): number {
    return this.#again.shift() ?? this.#next++;
  }

  giveBack(chunk: number): void {
    this.#again.push(chunk);
    this.#again.sort((a, b) => a - b);
    this.tell();
  }

  /** Wakes whoever waits for {@link ChunkBoard.change}. */
  tell(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}
