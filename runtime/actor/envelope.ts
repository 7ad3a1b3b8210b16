/** What lies in a mailbox: a message, and for some a note of what else must happen. */

import type { Outcome, Receipt } from "./bridge.ts";
import type { Deadlines } from "./deadlines.ts";
import type { EndReason, TaskEnd } from "./definition.ts";
import { askTimeout, cancelled } from "./errors.ts";
import type { Ref } from "./ref.ts";
import { WheelEntry } from "./wheel.ts";

/** One entry of a mailbox. */
export class Envelope {
  constructor(
    readonly tag: string,
    readonly body: unknown,
    /** `null` for a plain one-way message. */
    readonly note: Note | null,
    /** The scheduler's coarse time stamp when it was queued. */
    readonly stamp: number,
  ) {}
}

/** What an envelope brings besides a message body. */
export type Note = PendingAsk | InboundNote | TracedNote | TimerNote | TaskNote | EndedNote;

/** What an ask was sent to. */
export interface AskTarget {
  readonly address: string;
  /** The caller has given up: a handler's signal aborts, another node is told. */
  gaveUp(ask: PendingAsk, reason: Error): void;
  /** Told of each settling, where somebody keeps account of open asks. */
  settled?(ask: PendingAsk): void;
}

/** An actor as code that runs in its handler sees it. */
export interface FrameCell {
  readonly address: string;
  /** The envelope its handler is busy with. */
  readonly handling: Envelope | null;
}

/** A handler that is running: where an ask comes from. */
export interface CallFrame {
  readonly cell: FrameCell;
  readonly envelope: Envelope;
}

/** A one-way message that belongs to a trace. */
export class TracedNote {
  readonly kind = "traced";
  constructor(readonly trace: string) {}
}

/** A message of another node, for which somebody waits to hear what became of it. */
export class InboundNote {
  readonly kind = "inbound";
  #receipt: Receipt | null;
  constructor(
    /** The node that it came from. */
    readonly node: string,
    /** Address of the sender, as that node has it. */
    readonly from: string | null,
    readonly trace: string | null,
    receipt: Receipt,
  ) {
    this.#receipt = receipt;
  }

  /** Tells what became of the message; the first call counts. */
  processed(outcome: Outcome): void {
    const receipt = this.#receipt;
    this.#receipt = null;
    receipt?.processed(outcome);
  }
}

/** An ask that has not settled; it is its own deadline. */
export class PendingAsk extends WheelEntry {
  readonly kind = "ask";
  settled = false;
  #abort: (() => void) | null = null;
  #signal: AbortSignal | null = null;

  constructor(
    readonly target: AskTarget,
    readonly tag: string,
    /** The handler that asks, if it is one. */
    readonly caller: CallFrame | null,
    readonly deadlines: Deadlines,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: Error) => void,
    readonly trace: string | null = null,
    /** Set if another node asks. */
    readonly inbound: InboundNote | null = null,
  ) {
    super();
  }

  /** Ends the ask with `Cancelled` when the signal aborts. */
  listen(signal: AbortSignal): void {
    this.#signal = signal;
    this.#abort = () => this.giveUp(cancelled(this.target.address, this.tag, signal.reason));
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Settles with the reply; later calls do nothing. */
  reply(value: unknown): void {
    if (this.settled) return;
    this.#settle();
    this.resolve(value);
  }

  /** Settles with an error; later calls do nothing. */
  fail(error: Error): void {
    if (this.settled) return;
    this.#settle();
    this.reject(error);
  }

  override expire(): void {
    this.giveUp(askTimeout(this.target.address, this.tag));
  }

  /** Settles with an error and lets the target know that nobody waits any more. */
  giveUp(error: Error): void {
    if (this.settled) return;
    this.fail(error);
    this.target.gaveUp(this, error);
  }

  #settle(): void {
    this.settled = true;
    this.deadlines.cancel(this);
    if (this.#signal !== null) this.#signal.removeEventListener("abort", this.#abort!);
    this.target.settled?.(this);
  }
}

/** The settling of a task. */
export class TaskNote {
  readonly kind = "task";
  constructor(
    readonly end: TaskEnd,
    readonly incarnation: number,
    readonly trace: string | null,
  ) {}
}

/** One watch; in the mailbox once its target is gone for good. */
export class EndedNote {
  readonly kind = "ended";
  told = false;
  reason: EndReason = "stopped";
  error: unknown = undefined;
  constructor(
    /** What the watcher knows this watch by. */
    readonly key: unknown,
    readonly ref: Ref,
    readonly notify: (note: EndedNote) => void,
  ) {}

  /** Brings the end; the first call counts. */
  end(reason: EndReason, error: unknown): void {
    if (this.told) return;
    this.told = true;
    this.reason = reason;
    this.error = error;
    this.notify(this);
  }
}

/** A named timer of an actor; in the mailbox while a tick waits to be handled. */
export class TimerNote extends WheelEntry {
  readonly kind = "timer";
  queued = false;
  stopped = false;
  constructor(
    readonly name: string,
    readonly tag: string,
    readonly body: unknown,
    readonly everyMs: number | null,
    readonly fire: (timer: TimerNote) => void,
  ) {
    super();
  }
  override expire(): void {
    this.fire(this);
  }
}

/** Who waits to hear what becomes of a message of another node. */
export function inboundOf(note: Note | null): InboundNote | null {
  if (note === null) return null;
  return note.kind === "inbound" ? note : note.kind === "ask" ? note.inbound : null;
}
