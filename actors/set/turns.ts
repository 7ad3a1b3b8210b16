/** So many at a time: who begins waits for a turn. */

/** See the head of this file. */
export class Turns {
  readonly #most: number;
  readonly #underWay = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when one more may run; rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    while (this.#underWay.size >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    signal.throwIfAborted();
  }

  /** Runs it in the turn that was taken; it never rejects. */
  run(one: Promise<void>): void {
    const tracked = one.finally(() => {
      this.#underWay.delete(tracked);
      this.#wake();
    });
    this.#underWay.add(tracked);
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    while (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
