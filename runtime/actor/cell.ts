/**
 * One actor: its mailbox, its handler and its life.
 *
 * Phases: running -> (draining ->) halting -> halted -> running again or dead. Halting waits, without
 * promises, until children are gone and handler, tasks and clean-up have settled; only then does the
 * supervisor decide. Supervision needs no turn of the supervising actor, so nothing can starve it.
 */

import { formatAddress } from "./address.ts";
import type { ActorTimers } from "./actor_timers.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import type { ActorContext } from "./context.ts";
import type { Core } from "./core.ts";
import type { ActorDefinition, ErasedHandler } from "./definition.ts";
import {
  type AskTarget,
  type CallFrame,
  type EndedNote,
  Envelope,
  type Note,
  PendingAsk,
  type TaskNote,
} from "./envelope.ts";
import {
  ActorError,
  actorStopped,
  callCycle,
  cancelled,
  handlerFailed,
  mailboxFull,
} from "./errors.ts";
import { Mailbox } from "./mailbox.ts";
import type { Protocol } from "./protocol.ts";
import type { AskOptions, Delivery, SendOptions } from "./ref.ts";
import { ActorRef, type Target } from "./refs.ts";
import type { Runnable } from "./scheduler.ts";
import type { RestartType } from "./supervision.ts";
import { type Outcome, type Supervised, Supervisor } from "./supervisor.ts";
import type { Tasks } from "./tasks.ts";
import { Waiter, Waiting } from "./waiting.ts";
import { WheelEntry } from "./wheel.ts";

/** Where in its life an actor is. */
export const Phase = { running: 0, draining: 1, halting: 2, halted: 3, dead: 4 } as const;
export type Phase = typeof Phase[keyof typeof Phase];

/** What the node gives its actors besides the core. */
export interface CellHooks {
  contextOf(cell: Cell): ActorContext;
  /** The actor without a supervisor has halted. */
  rootHalted(outcome: Outcome): void;
}

/** What few actors need, allocated when first used. */
export class Rare {
  supervisor: Supervisor<Cell> | null = null;
  tasks: Tasks | null = null;
  timers: ActorTimers | null = null;
  waiting: Waiting | null = null;
  watchers: Set<EndedNote> | null = null;
  watching: Map<unknown, { readonly note: EndedNote; readonly target: Cell | null }> | null = null;
  handlerAbort: AbortController | null = null;
  settleLimit: SettleLimit | null = null;
  names = 0;
}

class SettleLimit extends WheelEntry {
  constructor(readonly expired: () => void) {
    super();
  }
  override expire(): void {
    this.expired();
  }
}

/** One actor of this node. */
export class Cell implements Runnable, Supervised, AskTarget, Target {
  readonly ref: ActorRef;
  readonly mailbox = new Mailbox<Envelope>();
  state: unknown = undefined;
  context: ActorContext | null = null;
  handling: Envelope | null = null;
  rare: Rare | null = null;
  outcome: Outcome | null = null;
  phase: Phase = Phase.halted;
  incarnation = 0;
  open = true;
  drainRequested = false;
  dropped = 0;
  #queued = false;
  #busy = false;
  #advancing = false;
  #cleaning: "no" | "running" | "done" = "no";

  constructor(
    readonly core: Core<Cell>,
    readonly hooks: CellHooks,
    readonly definition: ActorDefinition<Protocol, unknown>,
    readonly parent: Cell | null,
    readonly path: string,
    readonly args: unknown,
    readonly restartType: RestartType,
  ) {
    this.ref = new ActorRef(this, definition.protocol);
  }

  get address(): string {
    return formatAddress(this.core.id, this.path);
  }
  get protocolName(): string {
    return this.definition.protocol.name;
  }
  get isHalted(): boolean {
    return this.phase === Phase.halted;
  }
  get isGone(): boolean {
    return this.phase === Phase.dead;
  }
  /** Whether that incarnation still handles messages. */
  isLive(incarnation: number): boolean {
    return this.phase <= Phase.draining && this.incarnation === incarnation;
  }
  get isEnding(): boolean {
    return this.phase >= Phase.halting || this.drainRequested;
  }

  // ---- messages in

  tell(tag: string, body: unknown): Delivery {
    if (!this.open) return this.#dead(tag, body, "stopped");
    if (this.mailbox.depth >= this.definition.capacity || this.#hasWaiters) {
      return this.#overflow(tag, body);
    }
    const copy = this.core.roundTrip ? decodeMessage(encodeMessage(body)) : body;
    this.push(new Envelope(tag, copy, null, this.core.scheduler.stamp));
    return "accepted";
  }

  ask(tag: string, body: unknown, options: AskOptions): Promise<unknown> {
    const caller = this.core.frame();
    const withinMs = options.withinMs ?? this.core.limits.askMs;
    if (caller !== null) {
      const chain = this.#cycle(caller);
      if (chain !== null) return Promise.reject(callCycle(chain, tag));
    }
    if (options.signal?.aborted) {
      return Promise.reject(cancelled(this.address, tag, options.signal.reason));
    }
    if (!this.open) return Promise.reject(actorStopped(this.address, tag, true));
    return new Promise((resolve, reject) => {
      const copy = this.core.roundTrip ? decodeMessage(encodeMessage(body)) : body;
      const deadlines = this.core.deadlines;
      const pending = new PendingAsk(this, tag, caller, deadlines, resolve, reject);
      this.#admitAsk(new Envelope(tag, copy, pending, this.core.scheduler.stamp), pending);
      if (pending.settled) return;
      deadlines.set(pending, caller === null ? withinMs : Math.min(withinMs, remainingMs(caller)));
      if (options.signal !== undefined) pending.listen(options.signal);
    });
  }

  send(tag: string, body: unknown, options: SendOptions): Promise<void> {
    if (this.core.frame() !== null) return Promise.reject(waitInHandler(this.address, tag));
    if (options.signal?.aborted) {
      return Promise.reject(cancelled(this.address, tag, options.signal.reason));
    }
    if (this.open && this.#isFull && this.definition.full === "wait") {
      return this.#sendLater(tag, body, options.signal);
    }
    const delivery = this.tell(tag, body);
    if (delivery === "dead") return Promise.reject(actorStopped(this.address, tag, true));
    if (delivery === "full") {
      return Promise.reject(mailboxFull(this.address, tag, this.definition.capacity));
    }
    return Promise.resolve();
  }

  /** Queues what must not be refused: signals, timers, and what found room. */
  push(envelope: Envelope): void {
    this.mailbox.push(envelope);
    this.wake();
  }

  /** Lets the scheduler know if there is something to handle. */
  wake(): void {
    if (this.#queued || this.#busy || this.phase > Phase.draining) return;
    this.#queued = true;
    this.core.scheduler.ready(this);
  }

  get #hasWaiters(): boolean {
    return this.rare !== null && this.rare.waiting !== null && this.rare.waiting.count > 0;
  }
  get #isFull(): boolean {
    return this.mailbox.depth >= this.definition.capacity || this.#hasWaiters;
  }

  #admitAsk(envelope: Envelope, pending: PendingAsk): void {
    if (!this.#isFull) return this.push(envelope);
    if (this.definition.full === "wait" && pending.caller === null) {
      return this.#waitForRoom(new Waiter(envelope, () => {}, (error) => pending.fail(error)));
    }
    this.core.counters.full += 1;
    pending.fail(mailboxFull(this.address, envelope.tag, this.definition.capacity));
  }

  #overflow(tag: string, body: unknown): Delivery {
    if (this.definition.full !== "drop") {
      this.core.counters.full += 1;
      return "full";
    }
    this.core.counters.dropped += 1;
    this.dropped += 1;
    this.#dead(tag, body, "dropped");
    return "dropped";
  }

  #dead(tag: string, body: unknown, reason: "stopped" | "dropped"): Delivery {
    this.core.deadLetters.add({ address: this.address, tag, body, reason });
    return "dead";
  }

  #sendLater(tag: string, body: unknown, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const copy = this.core.roundTrip ? decodeMessage(encodeMessage(body)) : body;
      const settle = (): void => signal?.removeEventListener("abort", onAbort);
      const waiter = new Waiter(
        new Envelope(tag, copy, null, this.core.scheduler.stamp),
        () => (settle(), resolve()),
        (error) => (settle(), reject(error)),
      );
      const onAbort = (): void => {
        waiter.gone = true;
        reject(cancelled(this.address, tag, signal?.reason));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waitForRoom(waiter);
    });
  }

  #waitForRoom(waiter: Waiter): void {
    const rare = this.rarely();
    const { limits, deadlines, counters, env } = this.core;
    rare.waiting ??= new Waiting(deadlines, limits.stalledSendMs, (count) => {
      counters.stalledSends += 1;
      env.log.write("warn", "senders wait for room", { actor: this.address, count });
    });
    if (rare.waiting.count >= limits.waitingSenders) {
      return waiter.refused(
        mailboxFull(this.address, waiter.envelope.tag, this.definition.capacity),
      );
    }
    rare.waiting.add(waiter);
  }

  #admitWaiting(waiting: Waiting): void {
    while (waiting.count > 0 && this.mailbox.depth < this.definition.capacity) {
      const waiter = waiting.takeNext();
      if (waiter === undefined) return;
      this.mailbox.push(waiter.envelope);
      waiter.admitted();
    }
  }

  /** The ring of handlers that this ask would close, as addresses; `null` if there is none. */
  #cycle(caller: CallFrame): string[] | null {
    const chain = [this.address];
    for (let frame: CallFrame | null = caller; frame !== null;) {
      chain.unshift(frame.cell.address);
      if (frame.cell === this && this.handling === frame.envelope) return chain;
      const note: Note | null = frame.envelope.note;
      frame = note instanceof PendingAsk && !note.settled ? note.caller : null;
    }
    return null;
  }

  // ---- turns

  run(limit: number): number {
    this.#queued = false;
    const before = this.core.active;
    this.core.active = this;
    let count = 0;
    while (count < limit && this.phase <= Phase.draining && !this.#busy) {
      const envelope = this.mailbox.shift();
      if (envelope === undefined) break;
      count += 1;
      this.#handle(envelope);
    }
    this.core.active = before;
    this.#afterTurn();
    return count;
  }

  #afterTurn(): void {
    if (this.phase >= Phase.halting) return this.advanceHalt();
    if (this.rare !== null && this.rare.waiting !== null) this.#admitWaiting(this.rare.waiting);
    if (this.#busy) return;
    if (this.mailbox.depth > 0) this.wake();
    else if (this.phase === Phase.draining) this.halt({ reason: "stopped" }, true);
  }

  #handle(envelope: Envelope): void {
    const note = envelope.note;
    if (note !== null && !this.#stillWanted(note)) return;
    this.handling = envelope;
    let result: unknown;
    try {
      result = note === null
        ? this.#call(this.definition.handlers[envelope.tag], envelope, envelope.body)
        : this.#callNoted(note, envelope);
    } catch (error) {
      return this.#handlerThrew(envelope, error);
    }
    if (result === undefined || !isPromise(result)) return this.#handled(envelope, result);
    this.#busy = true;
    result.then(
      (value) => this.#settled(() => this.#handled(envelope, value)),
      (error) => this.#settled(() => this.#handlerThrew(envelope, error)),
    );
  }

  #callNoted(note: Note, envelope: Envelope): unknown {
    const { handlers, done, ended } = this.definition;
    switch (note.kind) {
      case "ask":
      case "timer":
        return this.#call(handlers[envelope.tag], envelope, envelope.body);
      case "task":
        return this.#callDone(done, note, envelope);
      case "ended":
        return ended === null ? undefined : this.#call(ended, envelope, note);
    }
  }

  #callDone(done: ErasedHandler | null, note: TaskNote, envelope: Envelope): unknown {
    if (done !== null) return this.#call(done, envelope, note.end);
    if (!note.end.ok) throw note.end.error;
    return undefined;
  }

  #call(handler: ErasedHandler | undefined, envelope: Envelope, body: unknown): unknown {
    if (handler === undefined) {
      throw new ActorError(
        "BadMessage",
        `handle "${envelope.tag}" by ${this.address}: ${this.protocolName} has no such message`,
      );
    }
    if (!handler.isAsync) return handler.run(this.state, body, this.context);
    const frame = { cell: this, envelope };
    return this.core.within(frame, () => handler.run(this.state, body, this.context));
  }

  /** False for what its sender, timer or watch has taken back meanwhile. */
  #stillWanted(note: Note): boolean {
    switch (note.kind) {
      case "ask":
        if (note.settled) this.core.counters.expiredAsks += 1;
        return !note.settled;
      case "timer":
        return this.rare?.timers?.take(note) ?? false;
      case "ended":
        return this.#takeWatch(note);
      case "task":
        return note.incarnation === this.incarnation;
    }
  }

  #takeWatch(note: EndedNote): boolean {
    const watching = this.rare?.watching;
    return watching?.get(note.key)?.note === note && watching.delete(note.key);
  }

  #handled(envelope: Envelope, result: unknown): void {
    this.handling = null;
    if (envelope.note === null) return this.#forgetSignal();
    this.#forgetSignal();
    if (!(envelope.note instanceof PendingAsk)) return;
    if (!this.core.roundTrip) return envelope.note.reply(result);
    try {
      envelope.note.reply(decodeMessage(encodeMessage(result)));
    } catch (error) {
      this.#handlerThrew(envelope, error);
    }
  }

  #handlerThrew(envelope: Envelope, error: unknown): void {
    this.handling = null;
    this.#forgetSignal();
    if (envelope.note instanceof PendingAsk) {
      envelope.note.fail(
        this.phase >= Phase.halting
          ? actorStopped(this.address, envelope.tag, false)
          : handlerFailed(this.address, envelope.tag, error),
      );
    }
    this.fail(error);
  }

  #settled(settle: () => void): void {
    if (this.phase === Phase.dead) return;
    this.#busy = false;
    settle();
    this.#afterTurn();
  }

  #forgetSignal(): void {
    if (this.rare !== null) this.rare.handlerAbort = null;
  }

  abortHandling(reason: unknown): void {
    this.rare?.handlerAbort?.abort(reason);
  }

  // ---- life

  rarely(): Rare {
    return this.rare ??= new Rare();
  }

  supervisor(): Supervisor<Cell> {
    const { deadlines, env } = this.core;
    return this.rarely().supervisor ??= new Supervisor<Cell>(
      this.definition.children,
      this,
      deadlines,
      () => env.random.next(),
    );
  }

  noteRestart(child: Cell, delayMs: number): void {
    const error = child.outcome?.error;
    this.core.env.log.write("warn", "restart actor", { actor: child.address, delayMs, error });
  }

  /** Starts the next incarnation; false if `state` threw: then it halts again, the first for good. */
  startAgain(): boolean {
    this.incarnation += 1;
    if (this.incarnation > 1) this.core.counters.restarts += 1;
    this.#cleaning = "no";
    this.outcome = null;
    this.phase = Phase.running;
    this.context = this.hooks.contextOf(this);
    try {
      this.state = this.definition.start(this.args, this.context);
    } catch (error) {
      this.state = undefined;
      this.#cleaning = "done";
      if (this.incarnation === 1) this.open = false;
      this.fail(startFailed(this.address, error));
      return false;
    }
    if (this.mailbox.depth > 0) this.wake();
    return true;
  }

  /** The incarnation ends with an error; its supervisor decides what follows. */
  fail(error: unknown): void {
    const { log } = this.core.env;
    if (this.phase >= Phase.halting) {
      return log.write("debug", "error while stopping", { actor: this.address, error });
    }
    this.core.counters.failures += 1;
    log.write("error", "actor failed", { actor: this.address, error });
    this.halt({ reason: "failed", error }, this.drainRequested);
  }

  haltToRestart(): void {
    this.halt({ reason: "stopped" }, false);
  }

  /** Ends the incarnation; with `forGood` new messages are refused from now on. */
  halt(outcome: Outcome, forGood: boolean): void {
    if (forGood) this.open = false;
    if (this.phase === Phase.halted) return forGood ? this.finish() : undefined;
    if (this.phase >= Phase.halting) return;
    this.phase = Phase.halting;
    this.outcome = outcome;
    this.context?.revoke();
    const rare = this.rare;
    if (rare !== null) this.#release(rare);
    this.advanceHalt();
  }

  #release(rare: Rare): void {
    const reason = new ActorError("ActorStopped", `stop ${this.address}: its work is to end`);
    rare.handlerAbort?.abort(reason);
    rare.tasks?.abortAll(reason);
    rare.timers?.cancelAll();
    for (const { note, target } of rare.watching?.values() ?? []) {
      target?.rare?.watchers?.delete(note);
    }
    rare.watching = null;
    rare.supervisor?.close();
  }

  /** Halts as far as possible; called again whenever something it waited for has settled. */
  advanceHalt(): void {
    if (this.#advancing || this.phase !== Phase.halting) return;
    this.#advancing = true;
    const finished = this.#haltChildren() && this.#ownWorkSettled();
    this.#advancing = false;
    if (!finished) return;
    const rare = this.rare;
    if (rare?.settleLimit) this.core.deadlines.cancel(rare.settleLimit);
    if (rare !== null) rare.supervisor = null;
    this.phase = Phase.halted;
    this.context = null;
    this.state = undefined;
    if (this.parent === null) this.hooks.rootHalted(this.outcome!);
    else this.parent.supervisor().down(this, this.outcome!);
  }

  /** One after the other, the last started first; false while one still halts. */
  #haltChildren(): boolean {
    const children = this.rare?.supervisor?.children;
    if (children === undefined || children.size === 0) return true;
    for (const child of [...children].reverse()) {
      child.halt({ reason: "stopped" }, true);
      if (child.phase !== Phase.dead) return false;
    }
    return true;
  }

  #ownWorkSettled(): boolean {
    if (this.handling === null && (this.rare?.tasks?.count ?? 0) === 0) {
      if (this.#cleaning === "no") this.#cleanUp();
      if (this.#cleaning === "done") return true;
    }
    const rare = this.rarely();
    rare.settleLimit ??= new SettleLimit(() => this.core.fatal(unsettled(this)));
    if (rare.settleLimit.dueTick === -1) {
      this.core.deadlines.set(rare.settleLimit, this.core.limits.settleMs);
    }
    return false;
  }

  #cleanUp(): void {
    this.#cleaning = "done";
    if (this.definition.stopping === null) return;
    const failed = (error: unknown): void =>
      this.core.env.log.write("error", "clean-up failed", { actor: this.address, error });
    try {
      const result = this.definition.stopping(this.state, this.outcome!.reason);
      if (!isPromise(result)) return;
      this.#cleaning = "running";
      result.then(undefined, failed).then(() => {
        this.#cleaning = "done";
        this.advanceHalt();
      });
    } catch (error) {
      failed(error);
    }
  }

  /** Handles what is queued, children first, and then stops. */
  drain(): void {
    if (this.drainRequested || this.phase === Phase.dead) return;
    this.drainRequested = true;
    if (this.phase >= Phase.halting) return this.halt({ reason: "stopped" }, true);
    this.continueDrain();
  }

  continueDrain(): void {
    if (this.#advancing || this.phase !== Phase.running) return;
    this.#advancing = true;
    const childless = this.#drainChildren();
    this.#advancing = false;
    if (!childless) return;
    this.open = false;
    this.phase = Phase.draining;
    this.#afterTurn();
  }

  #drainChildren(): boolean {
    for (const child of [...this.rare?.supervisor?.children ?? []].reverse()) {
      child.drain();
      if (child.phase !== Phase.dead) return false;
    }
    return true;
  }

  /** The end of a halted actor: nobody waits for it any more. */
  finish(): void {
    if (this.phase === Phase.dead) return;
    this.phase = Phase.dead;
    this.open = false;
    this.#refuseQueued();
    if (this.core.cells.get(this.path) === this) this.core.cells.delete(this.path);
    const watchers = this.rare?.watchers ?? [];
    this.rare = null;
    for (const note of watchers) this.notifyWatcher(note);
    const parent = this.parent;
    if (parent === null) return;
    parent.rare?.supervisor?.removed(this);
    if (parent.phase === Phase.halting) parent.advanceHalt();
    else if (parent.drainRequested) parent.continueDrain();
  }

  /** Tells a watcher how this actor ended. */
  notifyWatcher(note: EndedNote): void {
    note.reason = this.outcome?.reason ?? "stopped";
    note.error = this.outcome?.error;
    note.notify(note);
  }

  /** The node has died: everything pending settles now, nothing is waited for. */
  kill(): void {
    const handling = this.handling?.note;
    if (handling instanceof PendingAsk) {
      handling.fail(actorStopped(this.address, handling.tag, false));
    }
    this.context?.revoke();
    if (this.rare !== null) this.#release(this.rare);
    this.phase = Phase.dead;
    this.open = false;
    this.#refuseQueued();
  }

  #refuseQueued(): void {
    for (let envelope = this.mailbox.shift(); envelope; envelope = this.mailbox.shift()) {
      this.#refuse(envelope);
    }
    const waiting = this.rare?.waiting;
    for (let waiter = waiting?.takeNext(); waiter; waiter = waiting?.takeNext()) {
      waiter.refused(actorStopped(this.address, waiter.envelope.tag, true));
    }
  }

  #refuse(envelope: Envelope): void {
    const { note, tag, body } = envelope;
    if (note === null) this.#dead(tag, body, "stopped");
    else if (note.kind === "ask") note.fail(actorStopped(this.address, tag, true));
  }
}

/** Milliseconds until the caller of the handler in `frame` gives up. */
export function remainingMs(frame: CallFrame): number {
  const note = frame.envelope.note;
  if (!(note instanceof PendingAsk)) return Infinity;
  return note.settled ? 0 : Math.max(0, note.dueTick - note.deadlines.now());
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}

function waitInHandler(address: string, tag: string): ActorError {
  return new ActorError(
    "WaitInHandler",
    `send "${tag}" to ${address}: a handler may not wait for room; use tell, or send in ctx.task`,
  );
}

function startFailed(address: string, cause: unknown): ActorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ActorError("StartFailed", `start ${address}: its state function threw: ${reason}`, {
    cause,
  });
}

function unsettled(cell: Cell): ActorError {
  const tasks = cell.rare?.tasks?.names() ?? [];
  const handler = cell.handling?.tag ?? null;
  return new ActorError(
    "SettleTimeout",
    `stop ${cell.address}: handler, tasks or clean-up did not settle after abort; make them heed their signal`,
    { details: { tasks, handler } },
  );
}
