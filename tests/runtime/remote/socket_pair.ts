/** Two sockets in memory, each the other's end: what one sends the other gets in a later turn. */

import type { Timers } from "../../../runtime/env/env.ts";
import type {
  Socket,
  SocketBounds,
  SocketEnd,
  SocketEvents,
  SocketPeer,
} from "../../../runtime/env/sockets.ts";

/** How fast the pair is, beside the bounds of both ends. */
export interface PairOptions extends SocketBounds {
  /** Whether it is a port, whose frames are long; default yes. */
  readonly own?: boolean;
  /** How much arrives in one turn; one frame does in any case. Default 1 MiB. */
  readonly turnBytes?: number;
}

/** A connection whose ends are not open yet. */
export function socketPair(
  env: { readonly timers: Timers },
  options: PairOptions,
): { readonly client: MemorySocket; readonly server: MemorySocket } {
  const client = new MemorySocket(env.timers, options, "memory:server");
  const server = new MemorySocket(env.timers, options, "memory:client");
  client.connect(server);
  server.connect(client);
  return { client, server };
}

/** One end; `sent` is what tests look at. */
export class MemorySocket implements Socket {
  readonly peer: SocketPeer;
  /** The first byte of each frame that was sent, and its length. */
  readonly sent: { readonly kind: number; readonly lane: number; readonly length: number }[] = [];
  bufferedBytes = 0;
  readonly #timers: Timers;
  readonly #options: PairOptions;
  #other: MemorySocket | null = null;
  #queue: Uint8Array[] = [];
  #events: SocketEvents | null = null;
  #paused = false;
  #aboveLow = false;
  #scheduled = false;
  /** What it says when all that was sent has arrived. */
  #goodbye: SocketEnd | null = null;
  #end: SocketEnd | null = null;
  #told = false;

  constructor(timers: Timers, options: PairOptions, address: string) {
    this.#timers = timers;
    this.#options = options;
    this.peer = { address, encrypted: false, own: options.own ?? true, certificate: null };
  }

  connect(other: MemorySocket): void {
    this.#other = other;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  open(events: SocketEvents): void {
    this.#events = events;
    this.#other!.#schedule();
    if (this.#end !== null) this.#tellEnd();
  }

  send(frame: Uint8Array): void {
    if (this.#end !== null || this.#goodbye !== null) return;
    this.sent.push({ kind: frame[0] ?? 0, lane: frame[1] ?? 0, length: frame.length });
    this.#queue.push(frame);
    this.bufferedBytes += frame.length;
    if (this.bufferedBytes > this.#options.lowBytes) this.#aboveLow = true;
    this.#schedule();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#other!.#schedule();
  }

  close(code: number, reason: string): void {
    if (this.#end !== null || this.#goodbye !== null) return;
    this.#goodbye = { code, reason };
    this.#schedule();
  }

  destroy(): void {
    this.#endBoth({ code: 1006, reason: "" });
  }

  #schedule(): void {
    if (this.#scheduled || this.#end !== null) return;
    this.#scheduled = true;
    this.#timers.soon(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  /** What the other end can take now. */
  #deliver(): void {
    const other = this.#other!;
    let bytes = 0;
    let count = 0;
    const room = this.#options.turnBytes ?? 2 ** 20;
    while (this.#end === null && other.#isReading && count < this.#queue.length && bytes < room) {
      const frame = this.#queue[count]!;
      count += 1;
      bytes += frame.length;
      this.bufferedBytes -= frame.length;
      if (frame.length > this.#options.frameBytes) {
        return this.#endBoth({ code: 1009, reason: "the frame is too large" });
      }
      // After its own close an end gets nothing more.
      if (other.#goodbye === null) other.#events!.frame(frame);
    }
    if (this.#end !== null) return;
    this.#queue.splice(0, count);
    this.#goOn(other);
  }

  #goOn(other: MemorySocket): void {
    if (this.#aboveLow && this.bufferedBytes <= this.#options.lowBytes) {
      this.#aboveLow = false;
      if (this.#goodbye === null) this.#events?.drained();
    }
    if (!other.#isReading || this.#end !== null) return;
    if (this.#queue.length > 0) this.#schedule();
    else if (this.#goodbye !== null) this.#endBoth(this.#goodbye);
  }

  get #isReading(): boolean {
    return this.#events !== null && (!this.#paused || this.#goodbye !== null);
  }

  #endBoth(end: SocketEnd): void {
    for (const socket of [this, this.#other!]) {
      if (socket.#end !== null) continue;
      socket.#end = end;
      socket.#queue = [];
      socket.bufferedBytes = 0;
      this.#timers.soon(() => socket.#tellEnd());
    }
  }

  #tellEnd(): void {
    if (this.#told || this.#events === null) return;
    this.#told = true;
    this.#events.closed(this.#end!);
  }
}
