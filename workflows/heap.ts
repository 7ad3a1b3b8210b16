/** A binary heap of names: the smallest key first. */

/** Names ordered by a key that never changes while they are in the heap. */
export class Heap {
  readonly #key: (name: string) => number;
  readonly #names: string[] = [];

  constructor(key: (name: string) => number) {
    this.#key = key;
  }

  /** The first name, which stays. */
  peek(): string | null {
    return this.#names[0] ?? null;
  }

  /** Adds a name; the same name may stand in the heap several times. */
  push(name: string): void {
    const names = this.#names;
    let at = names.push(name) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#key(names[above]!) <= this.#key(name)) break;
      names[at] = names[above]!;
      at = above;
    }
    names[at] = name;
  }

  /** Takes the first name out. */
  pop(): string | null {
    const names = this.#names;
    const first = names[0];
    const last = names.pop();
    if (first === undefined || last === undefined) return null;
    if (names.length > 0) this.#sink(last);
    return first;
  }

  #sink(name: string): void {
    const names = this.#names;
    const key = this.#key(name);
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= names.length) break;
      if (child + 1 < names.length && this.#key(names[child + 1]!) < this.#key(names[child]!)) {
        child += 1;
      }
      if (this.#key(names[child]!) >= key) break;
      names[at] = names[child]!;
      at = child;
    }
    names[at] = name;
  }
}
