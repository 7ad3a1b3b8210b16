/**
 * A message port as a {@link Socket}: frames are moved, not copied, and the receiver acknowledges what
 * it took, so that a sender sees how much is under way.
 */

import { clearImmediate, setImmediate } from "node:timers";
import { assert } from "../../base/assert.ts";
import { limitValues } from "../../base/limits.ts";
import type { Socket, SocketBounds, SocketEnd, SocketEvents, SocketPeer } from "../sockets.ts";
import { endReason } from "./sockets_end.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";

const LIMITS = limitValues(SOCKET_LIMITS);
const ABNORMAL: SocketEnd = { code: 1006, reason: "" };

/**
 * What travels: a frame, or one of these. A frame travels as its buffer: Deno 2.9.6 walks through the
 * elements of a view that is posted on these ports (430 ms for 1 MiB against 0.4).
 */
type PortMessage =
  | ArrayBuffer
  | { readonly type: "ready" }
  | { readonly type: "taken"; readonly bytes: number }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
  | { readonly type: "gone" };

/** A `MessagePort` or a `Worker` of `node:worker_threads`. */
export interface FramePort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  on(type: "message", listener: (message: unknown) => void): unknown;
  off(type: "message", listener: (message: unknown) => void): unknown;
}

/** One end of a port. Both ends have the same bounds. */
export class PortSocket implements Socket {
  readonly peer: SocketPeer;
  readonly #port: FramePort;
  readonly #bounds: SocketBounds;
  #events: SocketEvents | null = null;
  /** Frames that came while nobody took them; the sender's window bounds them. */
  #kept: Uint8Array[] = [];
  /** What was sent before the other end was there: a Worker hears nothing until its module ran. */
  #early: PortMessage[] | null = [];
  #delivering = false;
  #paused = false;
  #buffered = 0;
  #above = false;
  #taken = 0;
  #turn: ReturnType<typeof setImmediate> | null = null;
  /** Who said goodbye first, and how; waits behind frames that were kept. */
  #closing: { readonly by: "us" | "them"; readonly end: SocketEnd } | null = null;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #end: SocketEnd | null = null;
  #told = false;

  constructor(port: FramePort, peer: SocketPeer, bounds: SocketBounds) {
    this.peer = peer;
    this.#port = port;
    this.#bounds = bounds;
    port.on("message", this.#hear);
    port.postMessage({ type: "ready" } satisfies PortMessage, []);
  }

  get bufferedBytes(): number {
    return this.#end === null ? this.#buffered : 0;
  }

  open(events: SocketEvents): void {
    assert(this.#events === null, "a socket is opened once");
    this.#events = events;
    queueMicrotask(() => this.#deliver());
  }

  send(frame: Uint8Array): void {
    if (this.#closing !== null || this.#end !== null) return;
    this.#buffered += frame.length;
    if (this.#buffered > this.#bounds.lowBytes) this.#above = true;
    const { buffer } = frame;
    const whole = buffer instanceof ArrayBuffer && frame.length === buffer.byteLength;
    this.#post(whole ? buffer : frame.slice().buffer);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#events !== null) queueMicrotask(() => this.#deliver());
  }

  close(code: number, reason: string): void {
    if (this.#closing !== null || this.#end !== null) return;
    this.#kept = [];
    this.#sayGoodbye({ code, reason: endReason(reason) });
  }

  destroy(): void {
    this.lose();
  }

  /** Ends it without a goodbye: the other end is gone, or shall be told so. False if it had ended. */
  lose(): boolean {
    if (this.#end !== null) return false;
    this.#kept = [];
    this.#early = null; // this one does not wait
    this.#post({ type: "gone" });
    this.#finish(ABNORMAL);
    return true;
  }

  readonly #hear = (heard: unknown): void => {
    const message = heard as PortMessage;
    if (message instanceof ArrayBuffer) return this.#frame(new Uint8Array(message));
    switch (message.type) {
      case "ready":
        return this.#ready();
      case "taken":
        return this.#acknowledged(message.bytes);
      case "close":
        return this.#goodbye({ code: message.code, reason: message.reason });
      case "gone":
        return this.#finish(ABNORMAL);
    }
  };

  #ready(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) this.#post(message);
  }

  #post(message: PortMessage): void {
    if (this.#early !== null) {
      this.#early.push(message);
      return;
    }
    this.#port.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  }

  #frame(frame: Uint8Array): void {
    if (this.#closing !== null || this.#end !== null) return;
    if (frame.length > this.#bounds.frameBytes) {
      const reason = `a frame of ${frame.length} bytes; at most ${this.#bounds.frameBytes}`;
      this.#sayGoodbye({ code: 1009, reason });
    } else {
      this.#kept.push(frame);
      this.#deliver();
    }
  }

  #deliver(): void {
    if (this.#delivering || this.#events === null) return;
    this.#delivering = true;
    let next = 0;
    while (next < this.#kept.length && !this.#paused) {
      const frame = this.#kept[next++]!;
      this.#take(frame.length); // before its receiver may move it
      this.#events.frame(frame);
    }
    this.#kept.splice(0, next);
    this.#delivering = false;
    this.#endIfDelivered();
  }

  #take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken >= LIMITS.workerAckBytes) this.#acknowledge();
    else this.#turn ??= setImmediate(() => this.#acknowledge());
  }

  #acknowledge(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    if (this.#taken > 0 && this.#end === null) this.#post({ type: "taken", bytes: this.#taken });
    this.#taken = 0;
  }

  #acknowledged(bytes: number): void {
    this.#buffered -= bytes;
    assert(this.#buffered >= 0, "a port acknowledges no more than was sent");
    if (!this.#above || this.#buffered > this.#bounds.lowBytes || this.#closing !== null) return;
    this.#above = false;
    this.#events?.drained();
  }

  #sayGoodbye(end: SocketEnd): void {
    this.#closing = { by: "us", end };
    this.#post({ type: "close", ...end });
    this.#closeTimer = setTimeout(() => this.lose(), LIMITS.closeMs);
  }

  #goodbye(end: SocketEnd): void {
    if (this.#end !== null) return;
    if (this.#closing?.by === "us") return this.#finish(end);
    this.#closing = { by: "them", end };
    this.#endIfDelivered();
  }

  #endIfDelivered(): void {
    if (this.#end !== null) this.#tell();
    if (this.#closing?.by !== "them" || this.#kept.length > 0 || this.#end !== null) return;
    const { end } = this.#closing;
    this.#post({ type: "close", ...end });
    this.#finish(end);
  }

  #finish(end: SocketEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    clearTimeout(this.#closeTimer);
    this.#acknowledge();
    this.#port.off("message", this.#hear);
    this.#early = [];
    this.#tell();
  }

  /** Frames that had come are told before the end, unless their owner does not want them now. */
  #tell(): void {
    if (this.#told || this.#events === null || this.#delivering) return;
    if (this.#kept.length > 0 && !this.#paused) return;
    this.#told = true;
    this.#kept = [];
    this.#events.closed(this.#end!);
  }
}
