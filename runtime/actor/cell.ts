/**
 * One actor: its mailbox, the handler that runs, its place in the tree.
 *
 * Phases: running -> (draining ->) halting -> halted -> running again or dead. How messages get in is
 * `intake.ts`, which handler gets them `calling.ts`, how an incarnation ends is `halting.ts`. Supervision needs no turn of the supervising
 * actor and no room in its mailbox, so nothing can starve it.
 */

import type { ActorTimers } from "./actor_timers.ts";
import { formatAddress } from "./address.ts";
import { callHandler, stillWanted } from "./calling.ts";
import type { ActorContext } from "./context.ts";
import type { Core } from "./core.ts";
import type { ActorDefinition } from "./definition.ts";
import {
  type AskTarget,
  type EndedNote,
  type Envelope,
  type FrameCell,
  inboundOf,
  PendingAsk,
} from "./envelope.ts";
import { actorStopped, handlerFailed, startFailed } from "./errors.ts";
import { advanceHalt, continueDrain, finish, halt, type SettleLimit } from "./halting.ts";
import { admitWaiting, askOf, carried, sendTo, tellTo } from "./intake.ts";
import { Mailbox } from "./mailbox.ts";
import { Phase } from "./phase.ts";
import { Later } from "./later.ts";
import { isPromise } from "./promise.ts";
import { abortReply, replyLater } from "./replies.ts";
import type { Protocol } from "./protocol.ts";
import type { AskOptions, Delivery, SendOptions } from "./ref.ts";
import { ActorRef, type Target } from "./refs.ts";
import type { Runnable, Work } from "./scheduler.ts";
import type { RestartType } from "./supervision.ts";
import { type Outcome, type Supervised, Supervisor } from "./supervisor.ts";
import type { Tasks } from "./tasks.ts";
import type { Waiting } from "./waiting.ts";

/** What the node gives its actors besides the core. */
export interface CellHooks {
  contextOf(cell: Cell): ActorContext;
  /** The actor without a supervisor has halted. */
  rootHalted(outcome: Outcome): void;
}

/** One watch of an actor. */
export interface Watch {
  readonly note: EndedNote;
  /** The watched actor if it lives on this node. */
  readonly target: Cell | null;
  /** Takes a watch on another node back. */
  release: (() => void) | null;
}

/** What few actors need, allocated when first used: it keeps an idle actor small. */
export class Rare {
  supervisor: Supervisor<Cell> | null = null;
  tasks: Tasks | null = null;
  timers: ActorTimers | null = null;
  waiting: Waiting | null = null;
  watchers: Set<EndedNote> | null = null;
  watching: Map<unknown, Watch> | null = null;
  handlerAbort: AbortController | null = null;
  settleLimit: SettleLimit | null = null;
  /** Tasks whose value answers an ask, by that ask. */
  replies: Map<PendingAsk, string> | null = null;
  names = 0;
}

/** One actor of this node. */
export class Cell implements Runnable, Supervised, AskTarget, FrameCell, Target {
  readonly ref: ActorRef;
  readonly mailbox = new Mailbox<Envelope>();
  state: unknown = undefined;
  context: ActorContext | null = null;
  /** The envelope whose handler runs or is awaited. */
  handling: Envelope | null = null;
  rare: Rare | null = null;
  /** How the current incarnation ended, once it does. */
  outcome: Outcome | null = null;
  phase: Phase = Phase.halted;
  incarnation = 0;
  /** New messages are taken; stays true while a restart is possible. */
  open = true;
  drainRequested = false;
  /** Messages that a "drop" mailbox dropped. */
  dropped = 0;
  /** Most messages that waited at the start of a turn. */
  depthHigh = 0;
  /** The scheduler's stamp when the handler that is awaited began. */
  busySince = 0;
  readonly work: Work;
  /** A walk over the children runs further up in this call stack. */
  advancing = false;
  cleaning: "no" | "running" | "done" = "no";
  #queued = false;
  #busy = false;

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
    this.work = core.workOf(definition.protocol.name);
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
  get isEnding(): boolean {
    return this.phase >= Phase.halting || this.drainRequested;
  }
  /** Whether that incarnation still handles messages. */
  isLive(incarnation: number): boolean {
    return this.phase <= Phase.draining && this.incarnation === incarnation;
  }

  tell(tag: string, body: unknown): Delivery {
    return tellTo(this, tag, body);
  }
  ask(tag: string, body: unknown, options: AskOptions): Promise<unknown> {
    return askOf(this, tag, body, options);
  }
  send(tag: string, body: unknown, options: SendOptions): Promise<void> {
    return sendTo(this, tag, body, options);
  }

  /** Queues what has room or must not be refused: signals and timers, bounded by their own limits. */
  push(envelope: Envelope): void {
    this.mailbox.push(envelope);
    this.wake();
  }

  /** Lets the scheduler know that there is something to handle. */
  wake(): void {
    if (this.#queued || this.#busy || this.phase > Phase.draining) return;
    this.#queued = true;
    this.core.scheduler.ready(this);
  }

  run(limit: number): number {
    this.#queued = false;
    const { core } = this;
    core.active = this;
    this.#noteHigh();
    let count = 0;
    while (count < limit && this.phase <= Phase.draining && !this.#busy) {
      const envelope = this.mailbox.shift();
      if (envelope === undefined) break;
      count += 1;
      this.#handle(envelope);
    }
    core.active = null;
    this.afterTurn();
    return count;
  }

  /** Once per turn, so that a message does not pay for it. */
  #noteHigh(): void {
    const { counters, scheduler } = this.core;
    const { depth } = this.mailbox;
    if (depth > this.depthHigh) this.depthHigh = depth;
    if (depth > counters.mailboxDepthHigh) counters.mailboxDepthHigh = depth;
    const oldest = this.mailbox.peek();
    if (oldest === undefined) return;
    const waitedMs = (scheduler.stamp - oldest.stamp) | 0;
    if (waitedMs > counters.oldestMessageMsHigh) counters.oldestMessageMsHigh = waitedMs;
  }

  /** What follows when a handler has ended: more messages, room for senders, or the end. */
  afterTurn(): void {
    if (this.phase >= Phase.halting) return advanceHalt(this);
    if (this.rare !== null && this.rare.waiting !== null) admitWaiting(this, this.rare.waiting);
    if (this.#busy) return;
    if (this.mailbox.depth > 0) this.wake();
    else if (this.phase === Phase.draining && this.handling === null) {
      halt(this, { reason: "stopped" }, true);
    }
  }

  #handle(envelope: Envelope): void {
    const note = envelope.note;
    if (note !== null && !stillWanted(this, note)) return;
    this.handling = envelope;
    let result: unknown;
    try {
      result = callHandler(this, envelope, note);
    } catch (error) {
      return this.#handlerThrew(envelope, error);
    }
    if (result instanceof Later) return this.#deferred(envelope, result);
    if (result === undefined || !isPromise(result)) return this.#handled(envelope, result);
    this.#busy = true;
    this.busySince = this.core.scheduler.stamp;
    result.then(
      (value) => this.#settled(() => this.#handled(envelope, value)),
      (error) => this.#settled(() => this.#handlerThrew(envelope, error)),
    );
  }

  #handled(envelope: Envelope, result: unknown): void {
    this.handling = null;
    if (this.rare !== null) this.rare.handlerAbort = null;
    const note = envelope.note;
    if (note === null) return;
    try {
      if (note.kind === "ask") note.reply(carried(this, result));
      inboundOf(note)?.processed("handled");
    } catch (error) {
      this.#handlerThrew(envelope, error);
    }
  }

  #deferred(envelope: Envelope, { run }: Later<unknown>): void {
    if (!(envelope.note instanceof PendingAsk)) {
      return this.#handlerThrew(envelope, new TypeError("only an ask can be answered later"));
    }
    this.handling = null;
    if (this.rare !== null) this.rare.handlerAbort = null;
    replyLater(this, envelope.tag, envelope.note, run);
  }

  #handlerThrew(envelope: Envelope, error: unknown): void {
    this.handling = null;
    if (this.rare !== null) this.rare.handlerAbort = null;
    const note = envelope.note;
    if (note instanceof PendingAsk) {
      const isStopping = this.phase >= Phase.halting;
      note.fail(
        isStopping
          ? actorStopped(this.address, envelope.tag, false)
          : handlerFailed(this.address, envelope.tag, error),
      );
    }
    inboundOf(note)?.processed("failed");
    this.fail(error);
  }

  #settled(settle: () => void): void {
    if (this.phase === Phase.dead) return;
    this.#busy = false;
    settle();
    this.afterTurn();
  }

  /** The caller waits no more: if its ask is being handled, the handler's signal aborts. */
  gaveUp(ask: PendingAsk, reason: Error): void {
    if (this.handling?.note === ask) this.rare?.handlerAbort?.abort(reason);
    else abortReply(this, ask, reason);
  }

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
    this.cleaning = "no";
    this.outcome = null;
    this.phase = Phase.running;
    this.context = this.hooks.contextOf(this);
    this.advancing = true; // a stop asked for by `state` waits until it has returned
    try {
      this.state = this.definition.start(this.args, this.context);
      this.advancing = false;
    } catch (error) {
      this.advancing = false;
      this.cleaning = "done";
      if (this.incarnation === 1) this.open = false;
      this.fail(startFailed(this.address, error));
      return false;
    }
    this.afterTurn();
    if (this.drainRequested) continueDrain(this);
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
    halt(this, { reason: "failed", error }, this.drainRequested);
  }

  haltToRestart(): void {
    halt(this, { reason: "stopped" }, false);
  }

  finish(): void {
    finish(this);
  }
}
