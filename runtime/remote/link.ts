/**
 * One socket after its handshake: what was queued in one turn of the event loop is packed into few
 * frames, the urgent first, and the socket never holds more than `highBytes` of it.
 */

import { ActorError } from "../actor/errors.ts";
import { assert } from "../base/assert.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import type { Socket, SocketEnd } from "../env/sockets.ts";
import { Assembly } from "./fragments.ts";
import { decodeFrame, decodeParts, type Packed } from "./frames.ts";
import { FrameError, frameError, joined } from "./frames_layout.ts";
import type { Handover } from "./handover.ts";
import type { RemoteLimits } from "./limits.ts";
import { closeReason, LINK_CLOSE, LinkError } from "./link_errors.ts";
import { Outbox, type OutboxFrame } from "./outbox.ts";
import type { Lane } from "./wire.ts";

/** What a link tells its owner; nothing of it before {@link Link.start}. */
export interface LinkEvents {
  /** Records as they came, unchecked; `recordBytes` are what their sender counted. */
  records(lane: Lane, records: unknown[], recordBytes: number[]): void;
  /** So many records of the lane, in the order in which they were pushed, were given to the socket. */
  sent(lane: Lane, records: number): void;
  /** Everything that was queued while the socket was full has been given to it. */
  drained(): void;
  /** Exactly once, and last. `cause` is why this end has closed, where it was an error. */
  closed(end: SocketEnd, cause?: Error): void;
}

/** Counted since the link began. */
export interface LinkMetrics {
  framesSent: number;
  bytesSent: number;
  recordsSent: number;
  framesReceived: number;
  bytesReceived: number;
  recordsReceived: number;
  /** How often the socket was full with more to send. */
  stalls: number;
}

const RESOLVED = Promise.resolve();

/** A link over the socket of `handover`, whose handshake is done. */
export class Link {
  readonly #timers: Env["timers"];
  readonly #handover: Handover;
  readonly #socket: Socket;
  readonly #limits: RemoteLimits;
  readonly #events: LinkEvents;
  readonly #outbox: Outbox;
  readonly #assembly: Assembly;
  readonly #metrics: LinkMetrics = {
    framesSent: 0,
    bytesSent: 0,
    recordsSent: 0,
    framesReceived: 0,
    bytesReceived: 0,
    recordsReceived: 0,
    stalls: 0,
  };
  #state: "open" | "closing" | "closed" = "open";
  #scheduled = false;
  #stalled = false;
  #cause: Error | undefined;
  #closeTimer: TimerHandle | null = null;

  constructor(
    env: Pick<Env, "timers">,
    handover: Handover,
    limits: RemoteLimits,
    events: LinkEvents,
  ) {
    this.#timers = env.timers;
    this.#handover = handover;
    this.#socket = handover.socket;
    this.#limits = limits;
    this.#events = events;
    const whole = limits.portFrameBytes;
    const isPort = this.#socket.peer.own;
    const longest = isPort
      ? { frameBytes: whole, bulkFrameBytes: whole, bulkPieceBytes: whole }
      : {};
    this.#outbox = new Outbox({ ...limits, ...longest });
    this.#assembly = new Assembly(limits.messageBytes);
  }

  /** Counters since the link began. */
  get metrics(): Readonly<LinkMetrics> {
    return this.#metrics;
  }

  /** It takes records and delivers some. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Begins to deliver; what has come since the handshake is delivered before this returns. */
  start(): void {
    this.#socket.widen?.(this.#limits.bulkFrameBytes);
    this.#handover.take({
      frame: (bytes) => this.#frame(bytes),
      parts: (bytes, rest) => this.#frame(bytes, rest),
      drained: () => this.#flush(),
      closed: (end) => this.#closed(end),
    });
  }

  /** Queues a record for this turn's frames. Does nothing once the link is closed. */
  push(lane: Lane, packed: Packed): void {
    if (this.#state !== "open") return;
    this.#outbox.push(lane, packed);
    const { controlMessages } = this.#limits;
    if (lane === "control" && this.#outbox.queuedMessages(lane) > controlMessages) {
      return this.#overflow();
    }
    if (this.#scheduled || this.#stalled) return;
    this.#scheduled = true;
    RESOLVED.then(this.#flushTurn);
  }

  /** Bytes of the lane that were not given to the socket. */
  queuedBytes(lane: Lane): number {
    return this.#outbox.queuedBytes(lane);
  }

  /** Records of the lane that were not given to the socket. */
  queuedMessages(lane: Lane): number {
    return this.#outbox.queuedMessages(lane);
  }

  /** Takes back what was not given to the socket: it is certain that the peer never gets it. */
  takeBack(lane: Lane): Packed[] {
    assert(this.#state !== "open", "only what a link will not send is taken back");
    return this.#outbox.takeBack(lane);
  }

  /** Delivers nothing more until {@link resume}; pongs neither, so keep it short. */
  pause(): void {
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    if (this.#state === "open") this.#socket.resume();
  }

  /**
   * Sends what is queued on the control lane, and ends. Nothing but `closed` is told afterwards, within
   * `closeMs`. Idempotent.
   */
  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    for (;;) {
      const frame = this.#outbox.nextControl();
      if (frame === null) break;
      this.#send(frame);
    }
    this.#end(code, reason);
  }

  /** Ends now, without a goodbye; only `closed` is told afterwards. */
  destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#socket.destroy();
  }

  readonly #flushTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#state !== "open") return;
    const { highBytes } = this.#limits;
    while (this.#socket.bufferedBytes < highBytes) {
      const frame = this.#next();
      if (!this.isOpen) return;
      if (frame === null) return this.#ranDry();
      this.#send(frame);
      if (frame.records > 0) this.#events.sent(frame.lane, frame.records);
      if (!this.isOpen) return;
    }
    if (this.#outbox.isEmpty) return this.#ranDry();
    this.#stalled = true;
    this.#metrics.stalls += 1;
  }

  /** A buffer that is moved away while it leaves in fragments costs the link: half of it has left. */
  #next(): OutboxFrame | null {
    try {
      return this.#outbox.next();
    } catch (error) {
      if (!(error instanceof ActorError)) throw error;
      this.#cause = error;
      this.destroy();
      return null;
    }
  }

  #ranDry(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#events.drained();
  }

  #send({ bytes, rest, records }: OutboxFrame): void {
    this.#metrics.framesSent += 1;
    this.#metrics.bytesSent += bytes.length + (rest?.length ?? 0);
    this.#metrics.recordsSent += records;
    if (rest === null) this.#socket.send(bytes);
    else if (this.#socket.sendParts !== undefined) this.#socket.sendParts(bytes, rest);
    else this.#socket.send(joined(bytes, rest));
  }

  #frame(bytes: Uint8Array, rest: Uint8Array | null = null): void {
    if (this.#state !== "open") return;
    this.#metrics.framesReceived += 1;
    this.#metrics.bytesReceived += bytes.length + (rest?.length ?? 0);
    let pack: { lane: Lane; records: unknown[]; recordBytes: number[] } | null;
    try {
      pack = this.#read(bytes, rest);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#cause = error;
      return this.close(LINK_CLOSE.malformed, error.message);
    }
    if (pack === null) return;
    this.#metrics.recordsReceived += pack.records.length;
    this.#events.records(pack.lane, pack.records, pack.recordBytes);
  }

  #read(
    bytes: Uint8Array,
    rest: Uint8Array | null,
  ): { lane: Lane; records: unknown[]; recordBytes: number[] } | null {
    const frame = rest === null
      ? decodeFrame(bytes, this.#limits)
      : decodeParts(bytes, rest, this.#limits);
    switch (frame.kind) {
      case "pack":
        return frame;
      case "fragment": {
        const whole = this.#assembly.add(frame);
        return whole === null ? null : this.#read(whole, null);
      }
      case "handshake":
        throw frameError("UnknownKind", "a handshake frame came after the handshake");
    }
  }

  #overflow(): void {
    const { controlMessages } = this.#limits;
    this.#cause = new LinkError(
      "ControlOverflow",
      `send to ${this.#socket.peer.address}: ${controlMessages} control records wait; ` +
        "the peer does not take them, connect again",
      { retryable: true },
    );
    this.#end(LINK_CLOSE.overflow, "control records are not taken");
  }

  #end(code: number, reason: string): void {
    this.#state = "closing";
    this.#socket.close(code, closeReason(reason));
    // A goodbye can only come to a socket that is read.
    this.#socket.resume();
    this.#closeTimer = this.#timers.after(this.#limits.closeMs, () => this.#socket.destroy());
  }

  #closed(end: SocketEnd): void {
    this.#closeTimer?.cancel();
    this.#state = "closed";
    this.#events.closed(end, this.#cause);
  }
}
