/** What lies in a mailbox: a message, and for some a note of what else must happen. */

import type { Deadlines } from "./deadlines.ts";
import type { EndReason, TaskEnd } from "./definition.ts";
import { type ActorError, askTimeout, cancelled } from "./errors.ts";
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
export type Note = PendingAsk | TimerNote | TaskNote | EndedNote;

/** The actor an ask was sent to. */
export interface AskTarget {
  readonly address: string;
  /** The envelope its handler is busy with. */
  readonly handling: Envelope | null;
  /** The caller has given up: the handler's signal aborts. */
  abortHandling(reason: unknown): void;
}

/** A handler that is running: where an ask comes from. */
export interface CallFrame {
  readonly cell: AskTarget;
  readonly envelope: Envelope;
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
    readonly reject: (error: ActorError) => void,
  ) {
    super();
  }

  /** Ends the ask with `Cancelled` when the signal aborts. */
  listen(signal: AbortSignal): void {
    this.#signal = signal;
    this.#abort = () => this.#giveUp(cancelled(this.target.address, this.tag, signal.reason));
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Settles with the reply; later calls do nothing. */
  reply(value: unknown): void {
    if (this.settled) return;
    this.#settle();
    this.resolve(value);
  }

  /** Settles with an error; later calls do nothing. */
  fail(error: ActorError): void {
    if (this.settled) return;
    this.#settle();
    this.reject(error);
  }

  override expire(): void {
    this.#giveUp(askTimeout(this.target.address, this.tag));
  }

  #giveUp(error: ActorError): void {
    if (this.settled) return;
    this.fail(error);
    if (this.target.handling?.note === this) this.target.abortHandling(error);
  }

  #settle(): void {
    this.settled = true;
    this.deadlines.cancel(this);
    if (this.#signal !== null) this.#signal.removeEventListener("abort", this.#abort!);
  }
}

/** The settling of a task. */
export class TaskNote {
  readonly kind = "task";
  constructor(readonly end: TaskEnd, readonly incarnation: number) {}
}

/** One watch; in the mailbox once its target is gone for good. */
export class EndedNote {
  readonly kind = "ended";
  reason: EndReason = "stopped";
  error: unknown = undefined;
  constructor(
    /** What the watcher knows this watch by. */
    readonly key: unknown,
    readonly ref: Ref,
    readonly notify: (note: EndedNote) => void,
  ) {}
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
