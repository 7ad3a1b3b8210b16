/** A queue that takes and gives in O(1) and holds no memory while it is empty and was ever large. */

const KEEP_SLOTS = 32;

/** First in, first out. The bound is the caller's: control signals pass a full mailbox. */
export class Mailbox<T> {
  #slots: (T | undefined)[] | null = null;
  #head = 0;
  #tail = 0;

  /** How many wait. */
  get depth(): number {
    return this.#tail - this.#head;
  }

  /** Appends one. */
  push(item: T): void {
    if (this.#slots === null) this.#slots = [];
    this.#slots[this.#tail] = item;
    this.#tail += 1;
  }

  /** The oldest, left in place. */
  peek(): T | undefined {
    return this.#slots === null ? undefined : this.#slots[this.#head];
  }

  /** Calls `visit` for each, oldest first. */
  forEach(visit: (item: T) => void): void {
    for (let at = this.#head; at < this.#tail; at += 1) visit(this.#slots![at]!);
  }

  /** Takes the oldest; `undefined` if empty. */
  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const slots = this.#slots!;
    const item = slots[this.#head];
    slots[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#tail) this.#reset();
    else if (this.#head >= 1_024 && this.#head * 2 >= this.#tail) this.#compact(slots);
    return item;
  }

  #reset(): void {
    if (this.#tail > KEEP_SLOTS) this.#slots = null;
    this.#head = 0;
    this.#tail = 0;
  }

  /** Amortized O(1): at least half of the slots are free when the rest is moved. */
  #compact(slots: (T | undefined)[]): void {
    this.#slots = slots.slice(this.#head, this.#tail);
    this.#tail -= this.#head;
    this.#head = 0;
  }
}
