/** Bytes that may be on their way to who asked for them; taken before they are read. */

/** See the file's comment. One taker at a time. */
export class Credit {
  #bytes: number;
  #waiter: (() => void) | null = null;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  give(bytes: number): void {
    this.#bytes += bytes;
    this.#waiter?.();
  }

  /** At least one byte of credit and `most` at most, as soon as there is any; rejects with the signal's reason. */
  async take(most: number, signal: AbortSignal): Promise<number> {
    while (this.#bytes === 0) await this.#given(signal);
    const taken = Math.min(most, this.#bytes);
    this.#bytes -= taken;
    return taken;
  }

  async #given(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#waiter = resolve;
    try {
      await promise;
    } finally {
      this.#waiter = null;
      signal.removeEventListener("abort", abort);
    }
  }
}
