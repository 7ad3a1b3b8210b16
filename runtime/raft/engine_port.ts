/** One end of the port between a member and its Worker: what is said in one turn travels in one frame. */

import type { Socket, SocketEnd } from "../env/sockets.ts";
import { type Block, blockBytes, decodeFrame, encodeFrame, type Posted } from "./engine_frames.ts";

/** What comes over a port. None of these may throw. */
export interface EnginePortEvents<In> {
  /** Blocks are views of memory that is the receiver's from now on. */
  received(message: In, blocks: readonly Uint8Array[]): void;
  /** Something is about to leave: what else there is to say may go with it. */
  leaving?(): void;
  /** Once, and last. */
  closed(end: SocketEnd): void;
}

/** See the head of this file. */
export class EnginePort<Out, In> {
  readonly #socket: Socket;
  readonly #frameBytes: number;
  readonly #events: EnginePortEvents<In>;
  #gathered: Posted<Out>[] = [];
  #gatheredBytes = 0;
  #isLeaving = false;

  /** What is gathered leaves earlier where its blocks are longer than `frameBytes`. */
  constructor(socket: Socket, frameBytes: number, events: EnginePortEvents<In>) {
    this.#socket = socket;
    this.#frameBytes = frameBytes;
    this.#events = events;
    socket.open({
      frame: (bytes) => {
        for (const [message, blocks] of decodeFrame<In>(bytes)) events.received(message, blocks);
      },
      drained: () => {},
      closed: (end) => events.closed(end),
    });
  }

  /** Bytes that have left and that the other thread has not read. */
  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  post(message: Out, blocks: readonly Block[] = []): void {
    this.postLazily(message, blocks);
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    void Promise.resolve().then(() => this.#leave());
  }

  /** Goes with whatever is posted next: nobody waits for it, and each frame wakes the other thread. */
  postLazily(message: Out, blocks: readonly Block[] = []): void {
    this.#gathered.push([message, blocks]);
    for (const block of blocks) this.#gatheredBytes += blockBytes(block);
    if (this.#gatheredBytes >= this.#frameBytes) this.flush();
  }

  /** Sends what was gathered now. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#socket.send(encodeFrame(gathered));
  }

  #leave(): void {
    this.#isLeaving = false;
    if (this.#gathered.length === 0) return;
    this.#events.leaving?.();
    this.flush();
  }
}
