/** Entries of the log as bytes. */

import type { LogEntry } from "./commands.ts";

/** Memory that many entries share: an own allocation for each costs more than encoding it. */
const ARENA_BYTES = 256 * 1_024;
/** Longer texts get memory of their own. A UTF-16 unit takes at most 3 bytes. */
const SHARING_CHARACTERS = ARENA_BYTES / 16;

/** Encodes one entry after the other; what it gave out is never written again. */
export class EntryEncoder {
  readonly #encoder = new TextEncoder();
  #arena = new Uint8Array(0);
  #used = 0;

  encode(entry: LogEntry): Uint8Array {
    const text = JSON.stringify(entry);
    if (text.length > SHARING_CHARACTERS) return this.#encoder.encode(text);
    if (this.#arena.length - this.#used < text.length * 3) {
      this.#arena = new Uint8Array(ARENA_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += this.#encoder.encodeInto(text, this.#arena.subarray(start)).written;
    return this.#arena.subarray(start, this.#used);
  }
}
