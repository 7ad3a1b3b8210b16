/** The state of a snapshot on its way between threads, with a bounded number of pieces under way. */

/** How the side that sends knows whether one more may go. */
export class PieceWindow {
  #free: number;
  #isClosed = false;
  #wake: (() => void) | null = null;

  constructor(pieces: number) {
    this.#free = pieces;
  }

  /** Resolves when a piece may go; to false where nobody wants it any more. */
  async take(): Promise<boolean> {
    while (this.#free === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#free -= 1;
    return !this.#isClosed;
  }

  give(): void {
    this.#free += 1;
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }
}

/** Where the side that receives keeps what has come; read once. */
export class PieceQueue implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  readonly #taken: () => void;
  readonly #over: () => void;
  #end: { readonly error: Error | null } | null = null;
  #wake: (() => void) | null = null;

  /** `taken` makes room for one more; `over` comes when the reader wants, or gets, no more. */
  constructor(taken: () => void, over: () => void) {
    this.#taken = taken;
    this.#over = over;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#wake?.();
  }

  /** No more come: that was all, or it failed. The first call counts. */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          yield piece;
          this.#taken();
        } else if (this.#end === null) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        } else if (this.#end.error === null) return;
        else throw this.#end.error;
      }
    } finally {
      this.#over();
    }
  }
}
