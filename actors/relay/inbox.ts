/** The bytes of one range on their way from the agent that reads it: in order, bounded by what was asked for. */

import type { QuorusError } from "../../runtime/base/errors.ts";
import type { TimerHandle, Timers } from "../../runtime/env/env.ts";

/** What an inbox is made with. */
export interface InboxOptions {
  /** Where the range begins. */
  readonly at: number;
  readonly timers: Timers;
  /** How long nothing may come while somebody waits. */
  readonly idleMs: number;
  /** Says that so many bytes were taken, so that as many more may come. */
  readonly taken: (bytes: number) => void;
  /** What is thrown where nothing came, or something was left out. */
  readonly lost: (why: string) => QuorusError;
}

/** See the file's comment. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #pieces: Uint8Array[] = [];
  #at: number;
  #end: { readonly error: Error | null } | null = null;
  #wake: (() => void) | null = null;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#at = options.at;
  }

  /** The next piece. One that does not follow the last one means that others were lost. */
  push(at: number, bytes: Uint8Array): void {
    if (this.#end !== null) return;
    if (at !== this.#at) {
      const why = `bytes from ${at} came where those from ${this.#at} were expected`;
      return this.end(this.#options.lost(why));
    }
    this.#at += bytes.length;
    this.#pieces.push(bytes);
    this.#wake?.();
  }

  /** The range has ended at `at`, or its source has failed there. */
  ended(at: number, error: Error | null): void {
    const why = `it ended at ${at}, after ${this.#at} were received`;
    this.end(at === this.#at ? error : this.#options.lost(why));
  }

  /** Nothing more comes; what has come is read first. Idempotent. */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Copies what there is, at least one byte; 0 at the end; throws what the range has ended with. */
  async read(into: Uint8Array): Promise<number> {
    while (this.#pieces.length === 0) {
      if (this.#end === null) await this.#something();
      else if (this.#end.error !== null) throw this.#end.error;
      else return 0;
    }
    let bytes = 0;
    while (bytes < into.length && this.#pieces.length > 0) {
      const piece = this.#pieces[0]!;
      const some = piece.subarray(0, into.length - bytes);
      into.set(some, bytes);
      bytes += some.length;
      if (some.length === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(some.length);
    }
    this.#options.taken(bytes);
    return bytes;
  }

  async #something(): Promise<void> {
    const { timers, idleMs, lost } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer: TimerHandle = timers.after(idleMs, () => {
      this.end(lost(`nothing came for ${idleMs} ms`));
    });
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      this.#wake = null;
      timer.cancel();
    }
  }
}
