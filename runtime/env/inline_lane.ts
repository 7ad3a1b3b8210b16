/** A hash lane on the calling thread: for simulation. */

import { assert } from "../base/assert.ts";
import type { Block, Hasher, HashLane } from "./env.ts";
import { HashError } from "./hash_error.ts";
import { sha256 } from "./sha256.ts";

/** Hashes every block before `feed` returns. */
export class InlineLane implements HashLane {
  readonly #hasher: Hasher = sha256();
  #state: "open" | "ended" | "aborted" = "open";

  // deno-lint-ignore require-await
  async feed(block: Block, length: number): Promise<void> {
    this.#assertOpen();
    this.#hasher.update(block.bytes.subarray(0, length));
  }

  // deno-lint-ignore require-await
  async mark(): Promise<string> {
    this.#assertOpen();
    return this.#hasher.copy().digestHex();
  }

  // deno-lint-ignore require-await
  async end(): Promise<string> {
    this.#assertOpen();
    this.#state = "ended";
    return this.#hasher.digestHex();
  }

  abort(): void {
    this.#state = "aborted";
  }

  #assertOpen(): void {
    if (this.#state === "aborted") {
      throw new HashError("aborted", "cannot hash on this lane: it was aborted; open a new one");
    }
    assert(this.#state === "open", "a hash lane takes no calls after its end");
  }
}
