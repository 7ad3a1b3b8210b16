/// <reference lib="webworker" />
/** A thread that keeps running SHA-256 hashes and feeds them from the memory that it is sent. */

import { createHash, type Hash } from "node:crypto";
import type { HashReply, HashRequest } from "./hash_messages.ts";

/** The running hashes of this thread. */
class Hashes {
  readonly #hashes = new Map<number, Hash>();

  handle(request: HashRequest): HashReply | null {
    switch (request.type) {
      case "update":
        this.#hash(request.stream).update(request.bytes.subarray(0, request.length));
        return { call: request.call, bytes: request.bytes };
      case "digest":
        return { call: request.call, hex: this.#digest(request.stream, request.keep) };
      case "drop":
        this.#hashes.delete(request.stream);
        return null;
    }
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
  if (reply !== null) scope.postMessage(reply, "bytes" in reply ? [reply.bytes.buffer] : []);
};
