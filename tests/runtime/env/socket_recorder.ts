/** What a test sees of one end of a connection, and how it waits for it. */

import assert from "node:assert/strict";
import type { Socket, SocketEnd } from "../../../runtime/env/sockets.ts";

/** `length` bytes that tell where they belong. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + seed * 17) % 251;
  return bytes;
}

/** Opens a socket and keeps all that it tells. */
export class SocketRecorder {
  readonly frames: Uint8Array[] = [];
  readonly ends: SocketEnd[] = [];
  drains = 0;
  /** Called at each frame with their number so far. */
  onFrame: ((count: number) => void) | null = null;
  readonly #waiting: { readonly ready: () => boolean; readonly resolve: () => void }[] = [];

  constructor(socket: Socket) {
    socket.open({
      frame: (bytes) => {
        assert.equal(this.ends.length, 0, "a frame after the end");
        this.frames.push(bytes);
        this.onFrame?.(this.frames.length);
        this.#tell();
      },
      drained: () => {
        assert.equal(this.ends.length, 0, "drained after the end");
        this.drains += 1;
        this.#tell();
      },
      closed: (end) => {
        this.ends.push(end);
        this.#tell();
      },
    });
  }

  /** Resolves when `count` frames have come in all; rejects if the socket ended before. */
  async received(count: number): Promise<void> {
    await this.#until(() => this.frames.length >= count || this.ends.length > 0);
    assert.ok(
      this.frames.length >= count,
      `ended with ${JSON.stringify(this.ends[0])} after ${this.frames.length} of ${count} frames`,
    );
  }

  async drained(): Promise<void> {
    await this.#until(() => this.drains > 0);
  }

  async ended(): Promise<SocketEnd> {
    await this.#until(() => this.ends.length > 0);
    return this.ends[0]!;
  }

  #until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ ready, resolve }));
  }

  #tell(): void {
    for (const waiter of this.#waiting.splice(0)) {
      if (waiter.ready()) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }
}
