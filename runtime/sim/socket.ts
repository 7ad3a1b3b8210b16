/** One end of a simulated connection, in the hands of one life of a process. */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import type { TimerHandle } from "../env/env.ts";
import type { Socket, SocketBounds, SocketEnd, SocketEvents, SocketPeer } from "../env/sockets.ts";
import type { CrashKind, Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { Path } from "./path.ts";
import type { Item, Pipe } from "./pipe.ts";

const LIMITS = limitValues(SIM_LIMITS);
const NO_GOODBYE: SocketEnd = { code: 1006, reason: "" };
const TOO_LONG: SocketEnd = { code: 1009, reason: "a frame is longer than the bound" };

/** What a socket is made of. */
export interface SocketParts {
  readonly incarnation: Incarnation;
  readonly label: string;
  readonly peer: SocketPeer;
  readonly bounds: SocketBounds;
  readonly path: Path;
  /** Nothing will be heard of this end any more. */
  readonly gone: () => void;
}

/** A socket; its kernel half takes what arrives, its other half runs in turns of the process. */
export class SimSocket implements Socket {
  readonly peer: SocketPeer;
  readonly #parts: SocketParts;
  #outgoing: Pipe | null = null;
  #incoming: Pipe | null = null;
  #received: Item[] = [];
  #events: SocketEvents | null = null;
  #end: SocketEnd | null = null;
  #closing: TimerHandle | null = null;
  #isGone = false;
  #isPaused = false;
  #isReading = false;
  #wasAboveLow = false;
  /** The longest frame that it takes. */
  #frameBytes: number;
  readonly #forgetEnd: () => void;
  readonly #readLabel: string;
  /** The turn that takes one item. */
  readonly #readOne = (): void => {
    this.#isReading = false;
    if (this.#end !== null || this.#isPaused) return;
    const item = this.#received.shift();
    if (item !== undefined) this.#take(item);
    this.#read();
  };

  constructor(parts: SocketParts) {
    this.#parts = parts;
    this.#frameBytes = parts.bounds.frameBytes;
    this.peer = parts.peer;
    this.#readLabel = `${parts.label} read`;
    this.#forgetEnd = parts.incarnation.onEnd((kind) => this.#die(kind));
  }

  /** Joins the two directions. */
  join(outgoing: Pipe, incoming: Pipe): void {
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  /** Its kernel holds nothing of it any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  get bufferedBytes(): number {
    return this.#end === null ? this.#outgoing!.waitingBytes : 0;
  }

  open(events: SocketEvents): void {
    assert(this.#events === null, "a socket is opened once");
    this.#events = events;
    if (this.#end !== null) this.#tellEnd();
    else this.#read();
  }

  widen(frameBytes: number): void {
    this.#frameBytes = Math.max(this.#frameBytes, frameBytes);
  }

  send(frame: Uint8Array): void {
    if (!this.#parts.incarnation.alive || this.#end !== null || this.#closing !== null) return;
    this.#outgoing!.send({ kind: "frame", bytes: frame });
    if (this.bufferedBytes > this.#parts.bounds.lowBytes) this.#wasAboveLow = true;
  }

  pause(): void {
    this.#isPaused = this.#closing === null;
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
  }

  close(code: number, reason: string): void {
    if (!this.#parts.incarnation.alive || this.#end !== null || this.#closing !== null) return;
    this.#outgoing!.send({ kind: "close", end: { code, reason: shortened(reason) } });
    this.#isPaused = false; // What still comes is dropped, up to the other end's goodbye.
    const label = `${this.#parts.label} close timeout`;
    this.#closing = this.#parts.incarnation.after(LIMITS.closeMs, label, () => this.destroy());
    this.#read();
  }

  destroy(): void {
    if (!this.#parts.incarnation.alive || this.#end !== null) return;
    this.#leave();
    this.#outgoing!.reset();
    this.#finish(NO_GOODBYE);
  }

  /** Something stands at the kernel. */
  arrive(item: Item): void {
    if (this.#isGone) {
      if (item.kind !== "reset") this.#outgoing!.reset();
      return;
    }
    this.#received.push(item);
    this.#read();
  }

  /** The kernel gave up to send, or the network broke the connection. */
  lose(): void {
    this.#received.push({ kind: "reset" });
    this.#read();
  }

  /** Bytes have left. */
  left(): void {
    if (!this.#wasAboveLow || this.bufferedBytes > this.#parts.bounds.lowBytes) return;
    this.#wasAboveLow = false;
    this.#parts.incarnation.turn(`${this.#parts.label} drained`, () => {
      if (this.#end === null) this.#events?.drained();
    });
  }

  /** One item at a time, each in a turn of its own. */
  #read(): void {
    const isHeldUp = this.#events === null || this.#isPaused || this.#isReading;
    if (isHeldUp || this.#end !== null || this.#received.length === 0) return;
    this.#isReading = true;
    this.#parts.incarnation.turn(this.#readLabel, this.#readOne);
  }

  #take(item: Item): void {
    if (item.kind === "frame") {
      if (item.bytes.length > this.#frameBytes) return this.#refuse();
      this.#incoming!.acknowledge(item.bytes.length);
      if (this.#closing === null) this.#events!.frame(item.bytes);
    } else if (item.kind === "close") {
      if (this.#closing === null) this.#outgoing!.send(item);
      this.#leave();
      this.#finish(item.end);
    } else if (item.kind === "reset") {
      this.#leave();
      this.#outgoing!.drop();
      this.#finish(NO_GOODBYE);
    }
  }

  #refuse(): void {
    if (this.#closing === null) this.#outgoing!.send({ kind: "close", end: TOO_LONG });
    this.#leave();
    this.#finish(TOO_LONG);
  }

  #leave(): void {
    this.#isGone = true;
    this.#received = [];
    this.#closing?.cancel();
    this.#forgetEnd();
    this.#parts.gone();
  }

  #finish(end: SocketEnd): void {
    this.#end = end;
    if (this.#events !== null) this.#tellEnd();
  }

  #tellEnd(): void {
    const end = this.#end!;
    const label = `${this.#parts.label} closed ${end.code}`;
    this.#parts.incarnation.after(0, label, () => this.#events!.closed(end));
  }

  #die(kind: CrashKind): void {
    if (this.#isGone) return;
    this.#leave();
    if (kind === "power" || this.#parts.path.isBlocked) this.#outgoing!.vanish();
    else this.#outgoing!.reset();
  }
}

/** At most as many bytes of UTF-8 as a close frame can carry. */
function shortened(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= LIMITS.closeReasonBytes) return reason;
  const decoder = new TextDecoder("utf-8");
  return decoder.decode(bytes.subarray(0, LIMITS.closeReasonBytes), { stream: true });
}
