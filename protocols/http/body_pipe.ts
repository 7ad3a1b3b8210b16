/** From somebody who writes to a request that pulls: no byte is held in between. */

import { assert } from "../../runtime/base/assert.ts";
import type { NetUpload } from "../../runtime/env/env.ts";

interface Offered {
  bytes: Uint8Array;
  readonly taken: () => void;
  readonly failed: (why: unknown) => void;
}

interface Wanted {
  readonly into: Uint8Array;
  readonly give: (count: number) => void;
  readonly failed: (why: unknown) => void;
}

/** A body of a request whose bytes are pushed; a push waits until they were taken. */
export class BodyPipe implements NetUpload {
  readonly length: number | null;
  #offered: Offered | null = null;
  #wanted: Wanted | null = null;
  #left: number;
  #isEnded = false;
  #broken: { readonly why: unknown } | null = null;

  #before: Uint8Array;

  /** `before` goes ahead of everything that is pushed, and counts as part of `length`. */
  constructor(length: number | null, before: Uint8Array = new Uint8Array()) {
    this.length = length;
    this.#left = length ?? Infinity;
    this.#before = before;
  }

  /** Everything was taken, its end included. */
  get isTaken(): boolean {
    return this.#left === 0;
  }

  /** Resolves when all of `bytes` were taken, which may then be used for something else. */
  push(bytes: Uint8Array): Promise<void> {
    assert(this.#offered === null && !this.#isEnded, "one push at a time, and none after the end");
    if (this.#broken !== null) return Promise.reject(this.#broken.why);
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((taken, failed) => {
      this.#offered = { bytes, taken, failed };
      this.#match();
    });
  }

  /** No more will come. */
  end(): void {
    this.#isEnded = true;
    this.#match();
  }

  /** Whoever pushes or pulls fails with `why` from now on. */
  break(why: unknown): void {
    if (this.#broken !== null) return;
    this.#broken = { why };
    this.#offered?.failed(why);
    this.#wanted?.failed(why);
    this.#offered = null;
    this.#wanted = null;
  }

  read(into: Uint8Array): Promise<number> {
    assert(this.#wanted === null, "one read at a time");
    if (this.#broken !== null) return Promise.reject(this.#broken.why);
    return new Promise((give, failed) => {
      this.#wanted = { into, give, failed };
      this.#match();
    });
  }

  #match(): void {
    const [wanted, offered] = [this.#wanted, this.#offered];
    if (wanted === null) return;
    if (this.#before.length > 0) {
      const part = this.#before.subarray(0, wanted.into.length);
      this.#before = this.#before.subarray(part.length);
      return this.#give(wanted, part);
    }
    if (offered === null) {
      if (!this.#isEnded) return;
      this.#left = 0;
      this.#wanted = null;
      return wanted.give(0);
    }
    const part = offered.bytes.subarray(0, wanted.into.length);
    offered.bytes = offered.bytes.subarray(part.length);
    this.#give(wanted, part);
    if (offered.bytes.length > 0) return;
    this.#offered = null;
    offered.taken();
  }

  #give(wanted: Wanted, part: Uint8Array): void {
    wanted.into.set(part);
    this.#left -= part.length;
    this.#wanted = null;
    wanted.give(part.length);
  }
}
