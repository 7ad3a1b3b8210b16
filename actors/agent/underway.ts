/** How many things are under way, and when none is. */

/** See the file's comment. */
export class Underway {
  active = 0;
  #waiting: (() => void)[] = [];

  began(): void {
    this.active += 1;
  }

  /** One is gone, however it ended. */
  ended(): void {
    this.active -= 1;
    if (this.active > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when nothing is under way. */
  whenIdle(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
