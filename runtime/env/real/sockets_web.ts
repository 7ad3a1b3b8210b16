/** One WebSocket as a {@link Socket}. */

import { Buffer } from "node:buffer";
import type { Socket as NetSocket } from "node:net";
import process from "node:process";
// @ts-types="npm:@types/ws@8.18.2"
import type { RawData, WebSocket } from "ws";
import { assert } from "../../base/assert.ts";
import type { Socket, SocketBounds, SocketEnd, SocketEvents, SocketPeer } from "../sockets.ts";
import { endReason } from "./sockets_end.ts";
import type { ReadFlow } from "./sockets_flow.ts";
import { Rest } from "./sockets_rest.ts";
import { WaitingFrames } from "./sockets_waiting.ts";
import { widenReceiver } from "./sockets_widen.ts";

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
  readonly #waiting = new WaitingFrames();
  #events: SocketEvents | null = null;
  /** Frames that came with the last read before a pause; at most what one read brought. */
  #kept: Uint8Array[] = [];
  #flushing = false;
  readonly #readRest = new Rest(() => {
    if (!this.#isHeld && this.#end === null) this.#read();
  });
  readonly #writeRest = new Rest(() => this.#goOn());
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
    web.binaryType = "fragments"; // a frame in two parts is not put together
    this.#hold();
    web.on("message", (data, isBinary) => this.#take(data, isBinary));
    web.on("error", (error: Error & { readonly code?: string }) => this.#failed(error));
    web.on("close", (code, reason) => this.#closed(code, reason.toString()));
  }

  get bufferedBytes(): number {
    return this.#end === null ? this.#web.bufferedAmount + this.#waiting.bytes : 0;
  }

  open(events: SocketEvents): void {
    assert(this.#events === null, "a socket is opened once");
    this.#events = events;
    this.#flushSoon();
  }

  send(frame: Uint8Array): void {
    this.#send(frame, null);
  }

  sendParts(frame: Uint8Array, rest: Uint8Array): void {
    this.#send(frame, rest);
  }

  widen(frameBytes: number): void {
    widenReceiver(this.#web, frameBytes);
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
    for (const { frame, rest, restBytes } of this.#waiting.takeAll()) {
      if (rest === null) this.#web.send(frame, SEND_OPTIONS);
      else if (rest.length === restBytes) {
        this.#web.send(Buffer.concat([frame, rest]), SEND_OPTIONS);
      }
    }
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

  #send(frame: Uint8Array, rest: Uint8Array | null): void {
    if (this.#closing || this.#end !== null) return;
    if (this.bufferedBytes + frame.length + (rest?.length ?? 0) > this.#lowBytes) {
      this.#above = true;
    }
    this.#writeRest.count(frame.length + (rest?.length ?? 0));
    const isBusy = this.#waiting.first !== null || (rest !== null && this.#web.bufferedAmount > 0);
    if (isBusy) this.#waiting.add(frame, rest);
    else this.#write(frame, rest);
  }

  /**
   * A frame in two parts goes to a transport that is idle, which holds the memory of both at once:
   * whatever becomes of the buffer then, the other end gets what was in it.
   */
  #write(frame: Uint8Array, rest: Uint8Array | null): void {
    if (rest === null) {
      this.#cork();
      this.#web.send(frame, SEND_OPTIONS, this.#sent);
      return;
    }
    this.#transport.cork();
    this.#web.send(frame, FIRST_PART);
    this.#web.send(rest, SEND_OPTIONS, this.#sent);
    this.#transport.uncork();
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
    if (!this.#writeRest.isOn) this.#goOn();
  };

  /** Gives the transport what waits, and asks for more. */
  #goOn(): void {
    if (this.#closing || this.#end !== null) return;
    this.#writeWaiting();
    if (!this.#above || this.bufferedBytes > this.#lowBytes) return;
    this.#above = false;
    this.#events?.drained();
  }

  #writeWaiting(): void {
    for (let next = this.#waiting.first; next !== null; next = this.#waiting.first) {
      const { frame, rest, restBytes } = next;
      if (rest !== null && this.#web.bufferedAmount > 0) return;
      this.#waiting.shift();
      if (rest !== null && rest.length !== restBytes) return this.destroy();
      this.#write(frame, rest);
    }
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary || !Array.isArray(data)) {
      this.#broken = { code: 1003, reason: "frames must be binary" };
      this.close(this.#broken.code, this.#broken.reason);
      return;
    }
    const isKept = this.#isHeld;
    const [first, rest] = data;
    if (!isKept && data.length === 2 && this.#events?.parts !== undefined) {
      this.#events.parts(plainBytes(first!), plainBytes(rest!));
    } else {
      const frame = plainBytes(data.length === 1 ? first! : Buffer.concat(data));
      if (isKept) this.#kept.push(frame);
      else this.#events!.frame(frame);
    }
    const bytes = data.reduce((sum, { length }) => sum + length, 0);
    if (!this.#closing && this.#readRest.count(bytes)) this.#hold();
  }

  /** Nobody takes what comes. */
  get #isHeld(): boolean {
    return this.#paused || this.#events === null || this.#flushing;
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
    else if (!this.#paused && !this.#readRest.isOn) this.#read();
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
    this.#readRest.cancel();
    this.#writeRest.cancel();
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
const FIRST_PART = { ...SEND_OPTIONS, fin: false } as const;

/** Not a Buffer: its slice() would not copy. */
function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
