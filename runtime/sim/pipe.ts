/**
 * One direction of a connection: ordered, bounded by a window, never losing a part while both ends
 * live. What a blocked path holds back arrives after it heals, as TCP sends again.
 */

import { limitValues } from "../base/limits.ts";
import type { TimerHandle } from "../env/env.ts";
import type { SocketEnd } from "../env/sockets.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { Path } from "./path.ts";
import type { VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** Sums of fractions are off by less than this. */
const ROUNDING_MS = 1e-9;

/** What travels. */
export type Item =
  | { readonly kind: "accepted" }
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly end: SocketEnd }
  | { readonly kind: "reset" };

interface Acknowledgement {
  readonly atMs: number;
  bytes: number;
}

/** What a pipe tells its two ends. */
export interface PipeEnds {
  /** An item stands at the receiver's kernel. */
  readonly arrived: (item: Item) => void;
  /** Items left the sender: `waitingBytes` is less. */
  readonly left: () => void;
  /** The sender's kernel has sent again for too long. */
  readonly gaveUp: () => void;
}

function bytesOf(item: Item): number {
  return item.kind === "frame" ? item.bytes.length : 0;
}

/** From one end to the other. */
export class Pipe {
  readonly #time: VirtualTime;
  readonly #path: Path;
  readonly #back: Path;
  readonly #label: string;
  readonly #ends: PipeEnds;
  #queue: Item[] = [];
  #transit: { readonly item: Item; readonly atMs: number }[] = [];
  #acknowledgements: Acknowledgement[] = [];
  #waitingBytes = 0;
  #windowBytes = 0;
  #busyUntilMs = 0;
  #lastAtMs = 0;
  #arrival: TimerHandle | null = null;
  #room: TimerHandle | null = null;
  #givingUp: TimerHandle | null = null;
  readonly #waits = new Set<() => void>();
  #isOver = false;

  constructor(time: VirtualTime, path: Path, back: Path, label: string, ends: PipeEnds) {
    this.#time = time;
    this.#path = path;
    this.#back = back;
    this.#label = `net ${path.from} -> ${path.to} ${label}`;
    this.#ends = ends;
  }

  /** Bytes that do not fit the window and wait at the sender. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  send(item: Item): void {
    if (this.#isOver) return;
    this.#queue.push(item);
    this.#waitingBytes += bytesOf(item);
    this.#pump();
  }

  /** The receiver has read so much: the sender learns it and has room again. */
  acknowledge(bytes: number): void {
    if (this.#isOver) return;
    if (this.#back.isBlocked) {
      this.#whenWhole(this.#back, (delayMs) => this.#confirm(bytes, delayMs));
    } else this.#confirm(bytes, this.#back.delay.low + this.#back.cloggedMs);
  }

  /** The sender is gone; the other end hears of it after a part of what was under way. */
  reset(): void {
    if (this.#isOver) return;
    this.#cutTransit();
    this.#depart({ kind: "reset" });
    this.#awaitArrival(this.#transit[0]!.atMs - this.#time.nowMs);
    this.#isOver = true;
  }

  /** The sender is gone and nobody says so, until its kernel is asked: then it may {@link reset}. */
  vanish(): void {
    if (this.#isOver) return;
    this.#cutTransit();
    if (this.#path.isBlocked) this.#transit = [];
  }

  /** The receiver is gone for good and what comes is dropped. */
  drop(): void {
    this.#isOver = true;
    this.#transit = [];
    this.#arrival?.cancel();
    this.#forget();
  }

  /** Of what is under way some last part never leaves the sender's machine. */
  #cutTransit(): void {
    this.#transit.length = this.#path.random.integer(0, this.#transit.length);
    this.#forget();
  }

  #forget(): void {
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#room?.cancel();
    this.#givingUp?.cancel();
    for (const leave of this.#waits) leave();
    this.#waits.clear();
  }

  #pump(): void {
    this.#takeConfirmed();
    const before = this.#waitingBytes;
    while (this.#queue.length > 0 && this.#windowBytes < LIMITS.windowBytes) {
      const item = this.#queue.shift()!;
      this.#waitingBytes -= bytesOf(item);
      this.#windowBytes += bytesOf(item);
      this.#depart(item);
    }
    if (this.#queue.length > 0) this.#awaitRoom();
    if (this.#waitingBytes < before) this.#ends.left();
  }

  #depart(item: Item): void {
    const { nowMs } = this.#time;
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + bytesOf(item) / this.#path.bytesPerMs;
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#busyUntilMs + this.#path.latencyMs());
    this.#transit.push({ item, atMs: this.#lastAtMs });
    if (this.#transit.length === 1) this.#awaitArrival(this.#lastAtMs - nowMs);
  }

  #awaitArrival(delayMs: number): void {
    const head = this.#transit[0];
    if (head === undefined) return;
    const { item } = head;
    const size = item.kind === "frame" ? ` ${item.bytes.length}` : "";
    this.#arrival?.cancel();
    this.#arrival = this.#time.schedule(delayMs, `${this.#label} ${item.kind}${size}`, () => {
      this.#arrival = null;
      this.#arrive();
    });
  }

  #arrive(): void {
    if (this.#path.isBlocked) return this.#hold();
    if (this.#path.cloggedMs > 0) return this.#awaitArrival(this.#path.cloggedMs);
    const head = this.#transit.shift();
    const next = this.#transit[0];
    if (next !== undefined) this.#awaitArrival(next.atMs - this.#time.nowMs);
    if (head !== undefined) this.#ends.arrived(head.item);
  }

  #hold(): void {
    const leave = this.#whenWhole(this.#path, (delayMs) => {
      this.#givingUp?.cancel();
      this.#awaitArrival(delayMs);
    });
    this.#givingUp = this.#time.schedule(LIMITS.giveUpMs, `${this.#label} given up`, () => {
      leave();
      this.drop();
      this.#ends.gaveUp();
    });
  }

  #whenWhole(path: Path, fn: (delayMs: number) => void): () => void {
    const takeBack = path.whenWhole((delayMs) => {
      this.#waits.delete(leave);
      fn(delayMs);
    });
    const leave = () => {
      takeBack();
      this.#waits.delete(leave);
    };
    this.#waits.add(leave);
    return leave;
  }

  #confirm(bytes: number, delayMs: number): void {
    const last = this.#acknowledgements.at(-1);
    if (this.#acknowledgements.length >= LIMITS.acknowledgements) this.#takeConfirmed();
    if (last !== undefined && this.#acknowledgements.length >= LIMITS.acknowledgements) {
      last.bytes += bytes;
    } else this.#acknowledgements.push({ atMs: this.#time.nowMs + delayMs, bytes });
    if (this.#queue.length > 0) this.#awaitRoom();
  }

  #takeConfirmed(): void {
    while ((this.#acknowledgements[0]?.atMs ?? Infinity) <= this.#time.nowMs + ROUNDING_MS) {
      this.#windowBytes -= this.#acknowledgements.shift()!.bytes;
    }
  }

  #awaitRoom(): void {
    const first = this.#acknowledgements[0];
    if (first === undefined || this.#room !== null) return;
    const waitMs = first.atMs - this.#time.nowMs;
    this.#room = this.#time.schedule(waitMs, `${this.#label} window`, () => {
      this.#room = null;
      this.#pump();
    });
  }
}
