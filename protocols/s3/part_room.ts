/** Memory of parts that are on their way, of all uploads of a process together; first come, first served. */

import type { Block } from "../../runtime/env/env.ts";

/** So many bytes at once, or one part, whatever its size. */
export class PartRoom {
  readonly #limitBytes: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  /** Memory of parts that have landed: new memory for each costs as much as filling it. */
  readonly #spare: Block[] = [];
  #spareBytes = 0;
  #takenBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Resolves when a part of so many bytes may go; whoever enters leaves by {@link PartRoom.leave}. */
  enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#takenBytes += bytes;
      return Promise.resolve();
    }
    return new Promise((enter) => this.#waiting.push({ bytes, enter }));
  }

  /** The part has landed; its memory, unless it is `null`, may serve another one. */
  leave(bytes: number, block: Block | null): void {
    this.#takenBytes -= bytes;
    const size = block?.bytes.length ?? 0;
    if (block !== null && this.#spareBytes + size <= this.#limitBytes / SPARE_SHARE) {
      this.#spare.push(block);
      this.#spareBytes += size;
    }
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes);) {
      this.#waiting.shift();
      this.#takenBytes += next.bytes;
      next.enter();
      next = this.#waiting[0];
    }
  }

  /** Memory of just that size, used before or fresh. */
  memory(bytes: number): Uint8Array {
    const at = this.#spare.findIndex((block) => block.bytes.length === bytes);
    if (at < 0) return new Uint8Array(bytes);
    const [block] = this.#spare.splice(at, 1);
    this.#spareBytes -= bytes;
    return block!.bytes;
  }

  #fits(bytes: number): boolean {
    return this.#takenBytes === 0 || this.#takenBytes + bytes <= this.#limitBytes;
  }
}

/** The part of the room that is kept for the next ones. */
const SPARE_SHARE = 4;
