/**
 * `npm:ssh2` writes length, content and hash of each packet one by one, and each write is a call of the
 * system: what is written to its socket in one turn leaves as one, at the end of that turn. Nothing waits
 * for more to come.
 */

import { Buffer } from "node:buffer";
import type { Stream } from "./apart.ts";

/** More than this is not kept until the end of a turn. */
const GATHERED_MOST_BYTES = 262_144;
/** Of buffers that have left, for the next ones. */
const SPARE_MOST = 8;

/** The same socket; see the head of this file. */
export function gathered<S extends Stream>(socket: S): S {
  const writes = new GatheredWrites((bytes, left) => void write(bytes, left), socket);
  const write = socket.write.bind(socket);
  const end = socket.end.bind(socket);
  return Object.assign(socket, {
    // The library waits for no callback, and for no `drain`.
    write: (chunk: Uint8Array | string) => writes.add(chunk),
    end: () => {
      writes.flush();
      return end();
    },
  });
}

class GatheredWrites {
  readonly #write: (bytes: Buffer, left: () => void) => void;
  readonly #socket: Stream;
  readonly #spare: Buffer[] = [];
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(write: (bytes: Buffer, left: () => void) => void, socket: Stream) {
    this.#write = write;
    this.#socket = socket;
  }

  add(chunk: Uint8Array | string): boolean {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    for (let at = 0; at < bytes.length;) {
      const buffer = this.#buffer ?? this.#begin();
      const taken = bytes.subarray(at, at + GATHERED_MOST_BYTES - this.#length);
      buffer.set(taken, this.#length);
      this.#length += taken.length;
      at += taken.length;
      if (this.#length === GATHERED_MOST_BYTES) this.flush();
    }
    return true;
  }

  flush(): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    this.#buffer = null;
    if (this.#socket.destroyed) return;
    this.#write(buffer.subarray(0, this.#length), () => {
      if (this.#spare.length < SPARE_MOST) this.#spare.push(buffer);
    });
  }

  #begin(): Buffer {
    const buffer = this.#spare.pop() ?? Buffer.alloc(GATHERED_MOST_BYTES);
    this.#buffer = buffer;
    this.#length = 0;
    queueMicrotask(() => this.flush());
    return buffer;
  }
}
