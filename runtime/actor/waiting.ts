/** Senders that wait for room in one mailbox, in order. */

import type { Deadlines } from "./deadlines.ts";
import { type Envelope, PendingAsk } from "./envelope.ts";
import type { ActorError } from "./errors.ts";
import { Mailbox } from "./mailbox.ts";
import { WheelEntry } from "./wheel.ts";

/** A sender that waits; a waiting ask has its own promise in its envelope. */
export class Waiter {
  gone = false;
  constructor(
    readonly envelope: Envelope,
    readonly admitted: () => void,
    readonly refused: (error: ActorError) => void,
  ) {}

  /** Its turn came after it had given up. */
  skipped(): void {
    const { note } = this.envelope;
    if (note instanceof PendingAsk) note.inbound?.processed("dropped");
  }

  /** Whether it still wants the room. */
  get wants(): boolean {
    const note = this.envelope.note;
    return !this.gone && !(note instanceof PendingAsk && note.settled);
  }
}

/** First come, first served; reports a queue that does not move. */
export class Waiting extends WheelEntry {
  readonly #queue = new Mailbox<Waiter>();
  readonly #deadlines: Deadlines;
  readonly #stalledMs: number;
  readonly #stalled: (count: number) => void;

  constructor(deadlines: Deadlines, stalledMs: number, stalled: (count: number) => void) {
    super();
    this.#deadlines = deadlines;
    this.#stalledMs = stalledMs;
    this.#stalled = stalled;
  }

  /** How many wait, those that gave up included until their turn. */
  get count(): number {
    return this.#queue.depth;
  }

  /** Appends one. */
  add(waiter: Waiter): void {
    this.#queue.push(waiter);
    if (this.dueTick === -1) this.#deadlines.set(this, this.#stalledMs);
  }

  /** The next that still wants room. */
  takeNext(): Waiter | undefined {
    this.#deadlines.cancel(this);
    let waiter = this.#queue.shift();
    while (waiter !== undefined && !waiter.wants) {
      waiter.skipped();
      waiter = this.#queue.shift();
    }
    if (this.#queue.depth > 0) this.#deadlines.set(this, this.#stalledMs);
    return waiter;
  }

  override expire(): void {
    if (this.#queue.depth > 0) this.#stalled(this.#queue.depth);
  }
}
