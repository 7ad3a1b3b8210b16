/** How messages get into a mailbox, or why not. */

import type { Cell } from "./cell.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import {
  type CallFrame,
  Envelope,
  inboundOf,
  type Note,
  PendingAsk,
  TracedNote,
} from "./envelope.ts";
import {
  type ActorError,
  actorStopped,
  callCycle,
  cancelled,
  mailboxFull,
  waitInHandler,
} from "./errors.ts";
import type { AskOptions, Delivery, SendOptions } from "./ref.ts";
import { Waiter, Waiting } from "./waiting.ts";

const NOTHING = (): void => {};

/** See {@link Ref.tell}. */
export function tellTo(cell: Cell, tag: string, body: unknown): Delivery {
  if (!cell.open) return deadLetter(cell, tag, body, "stopped");
  if (isFull(cell)) return overflow(cell, tag, body);
  cell.push(envelopeOf(cell, tag, body));
  return "accepted";
}

/** See {@link Ref.ask}. */
export function askOf(
  cell: Cell,
  tag: string,
  body: unknown,
  options: AskOptions,
): Promise<unknown> {
  const caller = cell.core.frame();
  const refusal = askRefusal(cell, tag, caller, options.signal);
  if (refusal !== null) return Promise.reject(refusal);
  const { deadlines, limits, scheduler } = cell.core;
  const withinMs = options.withinMs ?? limits.askMs;
  return new Promise((resolve, reject) => {
    const copy = carried(cell, body);
    const trace = cell.core.trace();
    const pending = new PendingAsk(cell, tag, caller, deadlines, resolve, reject, trace);
    admitAsk(cell, new Envelope(tag, copy, pending, scheduler.stampNow()), pending);
    if (pending.settled) return;
    deadlines.set(pending, caller === null ? withinMs : Math.min(withinMs, remainingMs(caller)));
    if (options.signal !== undefined) pending.listen(options.signal);
  });
}

/** See {@link Ref.send}. */
export function sendTo(
  cell: Cell,
  tag: string,
  body: unknown,
  { signal }: SendOptions,
): Promise<void> {
  if (cell.core.frame() !== null) return Promise.reject(waitInHandler(cell.address, tag));
  if (signal?.aborted) return Promise.reject(cancelled(cell.address, tag, signal.reason));
  if (cell.open && cell.definition.full === "wait" && isFull(cell)) {
    return sendLater(cell, tag, body, signal);
  }
  const delivery = tellTo(cell, tag, body);
  if (delivery === "dead") return Promise.reject(actorStopped(cell.address, tag, true));
  if (delivery === "full") return Promise.reject(full(cell, tag));
  return Promise.resolve();
}

/** Gives freed room to those that wait for it. */
export function admitWaiting(cell: Cell, waiting: Waiting): void {
  while (waiting.count > 0 && cell.mailbox.depth < cell.definition.capacity) {
    const waiter = waiting.takeNext();
    if (waiter === undefined) return;
    cell.mailbox.push(waiter.envelope);
    waiter.admitted();
  }
}

/** Settles everything that an ended actor will not handle. */
export function refuseQueued(cell: Cell): void {
  const { mailbox } = cell;
  for (let envelope = mailbox.shift(); envelope; envelope = mailbox.shift()) {
    const { note, tag, body } = envelope;
    if (note?.kind === "ask") note.fail(actorStopped(cell.address, tag, true));
    else if (isMessage(note)) deadLetter(cell, tag, body, "stopped");
    inboundOf(note)?.processed("dead");
  }
  const waiting = cell.rare?.waiting;
  for (let waiter = waiting?.takeNext(); waiter; waiter = waiting?.takeNext()) {
    waiter.refused(actorStopped(cell.address, waiter.envelope.tag, true));
  }
}

/** Milliseconds until the caller of the handler in `frame` gives up. */
export function remainingMs(frame: CallFrame): number {
  const note = frame.envelope.note;
  if (!(note instanceof PendingAsk)) return Infinity;
  return note.settled ? 0 : Math.max(0, note.dueTick - note.deadlines.now());
}

/** The value as the other side of a wire would get it, where the node wants that. */
export function carried(cell: Cell, value: unknown): unknown {
  return cell.core.roundTrip ? decodeMessage(encodeMessage(value)) : value;
}

/** Nobody gets in at once: full, or others wait already. */
export function isFull(cell: Cell): boolean {
  if (cell.mailbox.depth >= cell.definition.capacity) return true;
  return cell.rare !== null && cell.rare.waiting !== null && cell.rare.waiting.count > 0;
}

function full(cell: Cell, tag: string): ActorError {
  return mailboxFull(cell.address, tag, cell.definition.capacity);
}

function askRefusal(
  cell: Cell,
  tag: string,
  caller: CallFrame | null,
  signal: AbortSignal | undefined,
): ActorError | null {
  const chain = caller === null ? null : cycle(cell, caller);
  if (chain !== null) return callCycle(chain, tag);
  if (signal?.aborted) return cancelled(cell.address, tag, signal.reason);
  return cell.open ? null : actorStopped(cell.address, tag, true);
}

/** The ring of handlers that this ask would close, as addresses; `null` if there is none. */
function cycle(target: Cell, caller: CallFrame): string[] | null {
  const chain = [target.address];
  for (let frame: CallFrame | null = caller; frame !== null;) {
    chain.unshift(frame.cell.address);
    if (frame.cell === target && target.handling === frame.envelope) return chain;
    const note: Note | null = frame.envelope.note;
    frame = note instanceof PendingAsk && !note.settled ? note.caller : null;
  }
  return null;
}

/** Queues an ask, lets it wait for room, or settles it. */
export function admitAsk(cell: Cell, envelope: Envelope, pending: PendingAsk): void {
  if (!isFull(cell)) return cell.push(envelope);
  const refused = (error: ActorError): void => {
    pending.fail(error);
    pending.inbound?.processed(error.code === "MailboxFull" ? "refused" : "dead");
  };
  if (cell.definition.full === "wait" && pending.caller === null) {
    return waitForRoom(cell, new Waiter(envelope, NOTHING, refused));
  }
  cell.core.counters.full += 1;
  refused(full(cell, envelope.tag));
}

/** A plain one-way message, whatever else is noted of it. */
function isMessage(note: Note | null): boolean {
  return note === null || note.kind === "traced" || note.kind === "inbound";
}

function envelopeOf(cell: Cell, tag: string, body: unknown): Envelope {
  const { core } = cell;
  const trace = core.tracing ? core.trace() : null;
  const note = trace === null ? null : new TracedNote(trace);
  return new Envelope(tag, carried(cell, body), note, core.scheduler.stampNow());
}

/** Counts a one-way message that found no room: dropped, or for its sender to hear of. */
export function overflow(cell: Cell, tag: string, body: unknown): Delivery {
  const { counters } = cell.core;
  if (cell.definition.full !== "drop") {
    counters.full += 1;
    return "full";
  }
  counters.dropped += 1;
  cell.dropped += 1;
  deadLetter(cell, tag, body, "dropped");
  return "dropped";
}

/** Counts a one-way message that nobody will handle. */
export function deadLetter(
  cell: Cell,
  tag: string,
  body: unknown,
  reason: "stopped" | "dropped" | "refused",
): Delivery {
  cell.core.deadLetters.add({ address: cell.address, tag, body, reason });
  return "dead";
}

function sendLater(
  cell: Cell,
  tag: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => signal?.removeEventListener("abort", onAbort);
    const waiter = new Waiter(
      envelopeOf(cell, tag, body),
      () => (settle(), resolve()),
      (error) => (settle(), reject(error)),
    );
    const onAbort = (): void => {
      waiter.gone = true;
      reject(cancelled(cell.address, tag, signal?.reason));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    waitForRoom(cell, waiter);
  });
}

/** Appends a sender to those that wait, or refuses it. */
export function waitForRoom(cell: Cell, waiter: Waiter): void {
  const rare = cell.rarely();
  const { limits, deadlines, counters, env } = cell.core;
  rare.waiting ??= new Waiting(deadlines, limits.stalledSendMs, (count) => {
    counters.stalledSends += 1;
    env.log.write("warn", "senders wait for room", { actor: cell.address, count });
  });
  if (rare.waiting.count >= limits.waitingSenders) {
    return waiter.refused(full(cell, waiter.envelope.tag));
  }
  rare.waiting.add(waiter);
}
