/// <reference lib="webworker" />
/** A thread that keeps running SHA-256 hashes and feeds them from shared buffers. */

import { createHash, type Hash } from "node:crypto";
import { assert } from "../../base/assert.ts";
import type { HashReply, HashRequest } from "./hash_messages.ts";

/** The hashes and shared buffers of this thread. */
class Hashes {
  readonly #buffers = new Map<number, SharedArrayBuffer>();
  readonly #hashes = new Map<number, Hash>();

  handle(request: HashRequest): HashReply | null {
    switch (request.type) {
      case "share":
        this.#buffers.set(request.buffer, request.memory);
        return null;
      case "unshare":
        this.#buffers.delete(request.buffer);
        return null;
      case "update":
        return this.#update(request);
      case "digest":
        return { call: request.call, hex: this.#digest(request.stream, request.keep) };
      case "drop":
        this.#hashes.delete(request.stream);
        return null;
    }
  }

  #update(request: Extract<HashRequest, { type: "update" }>): HashReply {
    const buffer = this.#buffers.get(request.buffer);
    assert(buffer !== undefined, "a buffer is shared before a segment of it is fed");
    const segment = new Uint8Array(buffer, request.offset, request.length);
    this.#hash(request.stream).update(segment);
    return { call: request.call };
  }

  #digest(stream: number, keep: boolean): string {
    const hash = this.#hash(stream);
    if (keep) return hash.copy().digest("hex");
    this.#hashes.delete(stream);
    return hash.digest("hex");
  }

  #hash(stream: number): Hash {
    let hash = this.#hashes.get(stream);
    if (hash === undefined) {
      hash = createHash("sha256");
      this.#hashes.set(stream, hash);
    }
    return hash;
  }
}

const thread = new Hashes();
const scope = self as unknown as DedicatedWorkerGlobalScope;
scope.onmessage = (event: MessageEvent<HashRequest>) => {
  const reply = thread.handle(event.data);
  if (reply !== null) scope.postMessage(reply);
};
