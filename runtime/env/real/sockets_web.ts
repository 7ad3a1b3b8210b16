/** One WebSocket as a {@link Socket}. */

import { Buffer } from "node:buffer";
import type { Socket as NetSocket } from "node:net";
import process from "node:process";
// @ts-types="npm:@types/ws@8.18.2"
import type { RawData, WebSocket } from "ws";
import { assert } from "../../base/assert.ts";
import { limitValues } from "../../base/limits.ts";
import type { Socket, SocketBounds, SocketEnd, SocketEvents, SocketPeer } from "../sockets.ts";
import { endReason } from "./sockets_end.ts";
import type { ReadFlow } from "./sockets_flow.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";

const LIMITS = limitValues(SOCKET_LIMITS);
const ABNORMAL: SocketEnd = { code: 1006, reason: "" };

/** What `ws` closes with when the other end breaks the rules (it tells us the error, not the code). */
const BROKEN_RULES: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_INVALID_UTF8: 1007,
};

/** A WebSocket that stands; to be made in the turn in which it opened, before it delivers. */
export class WebSocketEnd implements Socket {
  readonly peer: SocketPeer;
  readonly #web: WebSocket;
  readonly #flow: ReadFlow;
  readonly #transport: NetSocket;
  readonly #lowBytes: number;
  #corked = false;
  #events: SocketEvents | null = null;
  /** Frames that came with the last read before a pause; at most what one read brought. */
  #kept: Uint8Array[] = [];
  #flushing = false;
  #unrested = 0;
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #paused = false;
  #closing = false;
  #above = false;
  /** How we ended it because the other end broke the rules. */
  #broken: SocketEnd | null = null;
  #end: SocketEnd | null = null;
  #told = false;

  /** `transport` is what `web` writes to. */
  constructor(
    web: WebSocket,
    transport: NetSocket,
    flow: ReadFlow,
    peer: SocketPeer,
    bounds: SocketBounds,
  ) {
    assert(bounds.frameBytes > 0, "frameBytes of a socket must be positive");
    this.peer = peer;
    this.#web = web;
    this.#transport = transport;
    this.#flow = flow;
    this.#lowBytes = bounds.lowBytes;
    this.#hold();
    web.on("message", (data, isBinary) => this.#take(data, isBinary));
    web.on("error", (error: Error & { readonly code?: string }) => this.#failed(error));
    web.on("close", (code, reason) => this.#closed(code, reason.toString()));
  }

  get bufferedBytes(): number {
    return this.#end === null ? this.#web.bufferedAmount : 0;
  }

  open(events: SocketEvents): void {
    assert(this.#events === null, "a socket is opened once");
    this.#events = events;
    this.#flushSoon();
  }

  send(frame: Uint8Array): void {
    if (this.#closing || this.#end !== null) return;
    this.#cork();
    if (this.#above || this.#web.bufferedAmount + frame.length > this.#lowBytes) {
      this.#above = true;
      this.#web.send(frame, SEND_OPTIONS, this.#sent);
    } else {
      this.#web.send(frame, SEND_OPTIONS);
    }
  }

  pause(): void {
    this.#paused = true;
    this.#hold();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#events !== null) this.#flushSoon();
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#end !== null) return;
    this.#closing = true;
    this.#kept = [];
    this.#web.close(code, endReason(reason));
    this.#read(); // the goodbye of the other end comes behind frames that nobody wants now
  }

  destroy(): void {
    this.#closing = true;
    this.#kept = [];
    this.#web.terminate();
  }

  /** Frames of one turn go to the system in one call: each costs 50-100 us with its wake-up. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#transport.cork();
    process.nextTick(this.#uncork);
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#transport.uncork();
  };

  readonly #sent = (): void => {
    if (!this.#above || this.#closing || this.#end !== null) return;
    if (this.#web.bufferedAmount > this.#lowBytes) return;
    this.#above = false;
    this.#events?.drained();
  };

  #take(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.#broken = { code: 1003, reason: "frames must be binary" };
      this.close(this.#broken.code, this.#broken.reason);
      return;
    }
    // Not a Buffer: its slice() would not copy.
    const frame = new Uint8Array(data.buffer, data.byteOffset, data.length);
    this.#unrested += frame.length;
    if (this.#paused || this.#events === null || this.#flushing) this.#kept.push(frame);
    else this.#events.frame(frame);
    if (this.#unrested >= LIMITS.readBurstBytes) this.#rest();
  }

  /**
   * Lets other connections be read. Deno 2.9.6 goes on with one that always has more for up to a second
   * without a look at the others: a ping beside 100 MB waited 0.5-1.7 s.
   */
  #rest(): void {
    this.#unrested = 0;
    const isHeld = this.#paused || this.#flushing || this.#events === null;
    if (isHeld || this.#closing || this.#restTimer !== undefined) return;
    this.#hold();
    this.#restTimer = setTimeout(() => {
      this.#restTimer = undefined;
      if (!this.#paused && !this.#flushing) this.#read();
    }, LIMITS.readRestMs);
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    let next = 0;
    while (next < this.#kept.length && !this.#paused) this.#events!.frame(this.#kept[next++]!);
    this.#kept.splice(0, next);
    this.#flushing = false;
    if (this.#end !== null) this.#tell();
    else if (!this.#paused) this.#read();
  }

  #hold(): void {
    this.#web.pause();
    this.#flow.stop();
  }

  #read(): void {
    this.#flow.start();
    this.#web.resume();
  }

  #failed(error: Error & { readonly code?: string }): void {
    const code = error.code ?? "";
    if (!code.startsWith("WS_ERR_")) return; // the transport broke: `close` follows
    this.#broken = { code: BROKEN_RULES[code] ?? 1002, reason: endReason(error.message) };
  }

  #closed(code: number, reason: string): void {
    clearTimeout(this.#restTimer);
    this.#end = this.#broken ?? (code === 1006 ? ABNORMAL : { code, reason });
    this.#tell();
  }

  /** The end comes after what was kept, unless its owner does not want that now and it was cut off. */
  #tell(): void {
    if (this.#told || this.#events === null || this.#flushing) return;
    if (this.#kept.length > 0 && !(this.#paused && this.#end!.code === 1006)) return;
    this.#told = true;
    this.#kept = [];
    this.#events.closed(this.#end!);
  }
}

const SEND_OPTIONS = { binary: true, compress: false } as const;
