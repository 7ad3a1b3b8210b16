/**
 * How an incarnation ends: children, then handler, tasks and clean-up, then the supervisor's say.
 *
 * No promises: `advanceHalt` is called again whenever something it waited for has settled.
 */

import type { Cell, Rare, Watch } from "./cell.ts";
import type { Deadlines } from "./deadlines.ts";
import { type EndedNote, inboundOf, PendingAsk } from "./envelope.ts";
import { ActorError, actorStopped } from "./errors.ts";
import { refuseQueued } from "./intake.ts";
import { Phase } from "./phase.ts";
import { isPromise } from "./promise.ts";
import type { Outcome } from "./supervisor.ts";
import { WheelEntry } from "./wheel.ts";

/**
 * The bound on the wait for old work. A process that was stopped, or whose machine was, finds its bounds
 * passed before the work had a turn: as long as the bound is late, the work may take longer.
 */
export class SettleLimit extends WheelEntry {
  readonly #deadlines: Deadlines;
  readonly #lateMs: number;
  #dueMs = 0;

  constructor(deadlines: Deadlines, lateMs: number, readonly expired: () => void) {
    super();
    this.#deadlines = deadlines;
    this.#lateMs = lateMs;
  }

  /** Begins. */
  start(ms: number): void {
    this.#dueMs = this.#deadlines.now() + ms;
    this.#deadlines.set(this, ms);
  }

  override expire(): void {
    const lateMs = this.#deadlines.now() - this.#dueMs;
    if (lateMs > this.#lateMs) this.start(lateMs);
    else this.expired();
  }
}

/** Ends the incarnation; with `forGood` new messages are refused from now on. */
export function halt(cell: Cell, outcome: Outcome, forGood: boolean): void {
  if (forGood) cell.open = false;
  if (cell.phase === Phase.halted) return forGood ? finish(cell) : undefined;
  if (cell.phase >= Phase.halting) return;
  cell.phase = Phase.halting;
  cell.outcome = outcome;
  cell.context?.revoke();
  if (cell.rare !== null) release(cell, cell.rare);
  advanceHalt(cell);
}

/** Halts as far as possible. */
export function advanceHalt(cell: Cell): void {
  if (cell.advancing || cell.phase !== Phase.halting) return;
  cell.advancing = true;
  const finished = haltChildren(cell) && ownWorkSettled(cell);
  cell.advancing = false;
  if (!finished) return;
  const rare = cell.rare;
  if (rare !== null) {
    if (rare.settleLimit !== null) cell.core.deadlines.cancel(rare.settleLimit);
    rare.supervisor = null;
  }
  cell.phase = Phase.halted;
  cell.context = null;
  cell.state = undefined;
  if (cell.parent === null) cell.hooks.rootHalted(cell.outcome!);
  else cell.parent.supervisor().down(cell, cell.outcome!);
}

/** Handles what is queued, children first, and then stops. */
export function drain(cell: Cell): void {
  if (cell.drainRequested || cell.phase === Phase.dead) return;
  cell.drainRequested = true;
  if (cell.phase >= Phase.halting) return halt(cell, { reason: "stopped" }, true);
  continueDrain(cell);
}

/** The end of a halted actor: nobody waits for it any more. */
export function finish(cell: Cell): void {
  if (cell.phase === Phase.dead) return;
  cell.phase = Phase.dead;
  cell.open = false;
  refuseQueued(cell);
  if (cell.core.cells.get(cell.path) === cell) cell.core.cells.delete(cell.path);
  const watchers = cell.rare?.watchers ?? [];
  cell.rare = null;
  for (const note of watchers) notifyWatcher(cell, note);
  const parent = cell.parent;
  if (parent === null) return;
  parent.rare?.supervisor?.removed(cell);
  if (parent.phase === Phase.halting) advanceHalt(parent);
  else if (parent.drainRequested) continueDrain(parent);
}

/** Takes a watch back, wherever its target is. */
export function endWatch({ note, target, release }: Watch): void {
  target?.rare?.watchers?.delete(note);
  release?.();
}

/** Tells a watcher how this actor ended. */
export function notifyWatcher(cell: Cell, note: EndedNote): void {
  note.end(cell.outcome?.reason ?? "stopped", cell.outcome?.error);
}

/** The node has died: everything pending settles now, nothing is waited for. */
export function kill(cell: Cell): void {
  if (cell.phase === Phase.dead) return;
  const handling = cell.handling?.note;
  if (handling instanceof PendingAsk) {
    handling.fail(actorStopped(cell.address, handling.tag, false));
  }
  inboundOf(handling ?? null)?.processed("dead");
  cell.context?.revoke();
  const rare = cell.rare;
  if (rare !== null) release(cell, rare);
  cell.phase = Phase.dead;
  cell.open = false;
  refuseQueued(cell);
  cell.outcome = { reason: "failed", error: new ActorError("NodeStopped", "the node has died") };
  for (const note of rare?.watchers ?? []) notifyWatcher(cell, note);
}

/** Goes on draining: the next child, or the actor itself once it has none. */
export function continueDrain(cell: Cell): void {
  if (cell.advancing || cell.phase !== Phase.running) return;
  cell.advancing = true;
  const childless = drainChildren(cell);
  cell.advancing = false;
  if (!childless) return;
  cell.open = false;
  cell.phase = Phase.draining;
  cell.afterTurn();
}

function drainChildren(cell: Cell): boolean {
  for (const child of [...cell.rare?.supervisor?.children ?? []].reverse()) {
    drain(child);
    if (child.phase !== Phase.dead) return false;
  }
  return true;
}

/** One after the other, the last started first; false while one still halts. */
function haltChildren(cell: Cell): boolean {
  const children = cell.rare?.supervisor?.children;
  if (children === undefined || children.size === 0) return true;
  for (const child of [...children].reverse()) {
    halt(child, { reason: "stopped" }, true);
    if (child.phase !== Phase.dead) return false;
  }
  return true;
}

function release(cell: Cell, rare: Rare): void {
  // Most actors stop with nothing under way, and an error costs its stack.
  if (rare.handlerAbort !== null || (rare.tasks?.count ?? 0) > 0) {
    const reason = new ActorError("ActorStopped", `stop ${cell.address}: its work is to end`);
    rare.handlerAbort?.abort(reason);
    rare.tasks?.abortAll(reason);
  }
  rare.timers?.cancelAll();
  const { watching } = rare;
  rare.watching = null;
  for (const watch of watching?.values() ?? []) endWatch(watch);
  rare.supervisor?.close();
}

function ownWorkSettled(cell: Cell): boolean {
  if (cell.handling === null && (cell.rare?.tasks?.count ?? 0) === 0) {
    if (cell.cleaning === "no") cleanUp(cell);
    if (cell.cleaning === "done") return true;
  }
  const rare = cell.rarely();
  const { core } = cell;
  const { slowTurnMs, settleMs } = core.limits;
  rare.settleLimit ??= new SettleLimit(
    core.deadlines,
    slowTurnMs,
    () => core.fatal(unsettled(cell)),
  );
  if (rare.settleLimit.dueTick === -1) rare.settleLimit.start(settleMs);
  return false;
}

function cleanUp(cell: Cell): void {
  cell.cleaning = "done";
  const { stopping } = cell.definition;
  if (stopping === null) return;
  const failed = (error: unknown): void =>
    cell.core.env.log.write("error", "clean-up failed", { actor: cell.address, error });
  try {
    const result = stopping(cell.state, cell.outcome!.reason);
    if (!isPromise(result)) return;
    cell.cleaning = "running";
    result.then(undefined, failed).then(() => {
      cell.cleaning = "done";
      advanceHalt(cell);
    });
  } catch (error) {
    failed(error);
  }
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
