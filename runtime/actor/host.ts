/** What a context can do: the bridge from a handler to its actor and node. */

import type { Env, LogLevel } from "../env/env.ts";
import { ActorTimers } from "./actor_timers.ts";
import { checkName, formatAddress, parseAddress } from "./address.ts";
import { Cell, type CellHooks, type Rare, type Watch } from "./cell.ts";
import type { ContextHost } from "./context.ts";
import type { Core } from "./core.ts";
import type { ActorDefinition, SpawnOptions } from "./definition.ts";
import {
  EndedNote,
  Envelope,
  inboundOf,
  PendingAsk,
  TaskNote,
  type TimerNote,
} from "./envelope.ts";
import { ActorError, noSuchActor } from "./errors.ts";
import { advanceHalt, endWatch, halt, notifyWatcher } from "./halting.ts";
import { admitEnded } from "./inbound.ts";
import { remainingMs } from "./intake.ts";
import type { Protocol } from "./protocol.ts";
import type { Ref } from "./ref.ts";
import { LocalRef, NamedRef } from "./refs.ts";
import { RemoteRef } from "./remote_ref.ts";
import { Tasks } from "./tasks.ts";
import { traceIdOf, traceOf } from "./trace.ts";

/** Starts a child of `parent`; ActorError `NameTaken`, `BadName`, `StartFailed`, `NodeStopped`. */
export function spawnChild(
  parent: Cell,
  hooks: CellHooks,
  definition: ActorDefinition<Protocol, unknown>,
  options: SpawnOptions<unknown>,
): Cell {
  const { core } = parent;
  const rare = parent.rarely();
  const name = options.name ?? `$${rare.names += 1}`;
  checkName(name, core.limits.nameCharacters);
  const path = parent.path === "" ? name : `${parent.path}/${name}`;
  if (path.length > core.limits.nameCharacters) checkName(path, core.limits.nameCharacters);
  if (core.cells.has(path)) throw nameTaken(formatAddress(core.id, path));
  if (parent.isEnding) throw ending(path, parent);
  const supervisor = parent.supervisor();
  if (supervisor.children.size >= core.limits.childrenPerActor) throw tooMany(parent, "children");
  const restart = options.restart ?? "transient";
  const cell = new Cell(core, hooks, definition, parent, path, options.args, restart);
  core.cells.set(path, cell);
  supervisor.children.add(cell);
  startFirst(cell);
  return cell;
}

/** A first start that fails is the spawner's error, not a reason to restart. */
function startFirst(cell: Cell): void {
  const active = cell.core.active;
  cell.core.active = null;
  const started = cell.startAgain();
  cell.core.active = active;
  if (!started) throw cell.outcome?.error;
}

/** A reference by address, from this node's point of view. */
export function refTo(core: Core<Cell>, protocol: Protocol, address: string): Ref {
  const { node, path } = parseAddress(address);
  if (node !== core.id) return new RemoteRef(core, protocol, address, node, path);
  const names = {
    find: (name: string) => core.cells.get(name),
    dead: (to: string, tag: string, body: unknown) =>
      core.deadLetters.add({ address: to, tag, body, reason: "noSuchActor" }),
  };
  return new NamedRef(names, protocol, address, path);
}

/** The living or dead actor behind a ref of this node; `null` if there is none. */
export function cellOf(ref: Ref): Cell | null {
  if (!(ref instanceof LocalRef)) return null;
  const target = ref.target();
  return target instanceof Cell ? target : null;
}

/** The actor behind a context. */
export class CellHost implements ContextHost {
  readonly #cell: Cell;
  readonly #hooks: CellHooks;
  constructor(cell: Cell, hooks: CellHooks) {
    this.#cell = cell;
    this.#hooks = hooks;
  }

  get ref(): Ref {
    return this.#cell.ref;
  }
  get address(): string {
    return this.#cell.address;
  }
  get env(): Env {
    return this.#cell.core.env;
  }
  get incarnation(): number {
    return this.#cell.incarnation;
  }

  get trace(): string | null {
    return traceOf(this.#cell.handling);
  }

  get senderNode(): string {
    const { handling, core } = this.#cell;
    return inboundOf(handling?.note ?? null)?.node ?? core.id;
  }

  remainingMs(): number {
    const { handling } = this.#cell;
    return handling === null ? Infinity : remainingMs({ cell: this.#cell, envelope: handling });
  }

  handlerSignal(): AbortSignal {
    const rare = this.#cell.rarely();
    if (rare.handlerAbort === null) {
      rare.handlerAbort = new AbortController();
      const note = this.#cell.handling?.note;
      if (note instanceof PendingAsk && note.settled) rare.handlerAbort.abort();
    }
    return rare.handlerAbort.signal;
  }

  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    const traceId = traceIdOf(this.trace);
    const about = traceId === null ? null : { traceId };
    this.env.log.write(level, message, { actor: this.address, ...about, ...facts });
  }

  spawn(definition: ActorDefinition<Protocol, unknown>, options: SpawnOptions<unknown>): Ref {
    return spawnChild(this.#cell, this.#hooks, definition, options).ref;
  }

  stopSelf(): void {
    const cell = this.#cell;
    halt(cell, { reason: "stopped" }, cell.restartType !== "permanent");
  }

  stopChild(ref: Ref): void {
    const child = cellOf(ref);
    if (child === null || child.parent !== this.#cell) {
      throw noSuchActor(ref.address, `it is no child of ${this.address}`);
    }
    halt(child, { reason: "stopped" }, true);
  }

  watch(ref: Ref): void {
    const cell = this.#cell;
    const target = cellOf(ref);
    const key = target ?? ref.address;
    const watching = cell.rarely().watching ??= new Map();
    if (watching.has(key)) return;
    const note = new EndedNote(key, ref, (ended) => admitEnded(cell, ended));
    const watch: Watch = { note, target, release: null };
    watching.set(key, watch);
    if (ref instanceof RemoteRef) watch.release = ref.watch(note);
    else watchTarget(target, note, ref);
  }

  unwatch(ref: Ref): void {
    const watching = this.#cell.rare?.watching;
    if (!watching) return;
    const key = cellOf(ref) ?? keyByAddress(watching, ref.address);
    const watch = watching.get(key);
    watching.delete(key);
    if (watch !== undefined) endWatch(watch);
  }

  startTask(name: string, run: (signal: AbortSignal) => unknown): void {
    const cell = this.#cell;
    const { core, incarnation } = cell;
    const tasks = cell.rarely().tasks ??= new Tasks();
    if (tasks.count >= core.limits.tasksPerActor) throw tooMany(cell, "tasks");
    const trace = core.trace();
    core.beside(() =>
      tasks.start(name, run, (end) => {
        if (cell.isLive(incarnation)) {
          const note = new TaskNote(end, incarnation, trace);
          cell.push(new Envelope("done", null, note, core.scheduler.stampNow()));
        } else advanceHalt(cell);
      })
    );
  }

  abortTask(name: string, reason: unknown): boolean {
    const error = reason ??
      new ActorError("Cancelled", `task "${name}" of ${this.address} aborted`);
    return this.#cell.rare?.tasks?.abort(name, error) ?? false;
  }

  setTimer(name: string, ms: number, repeat: boolean, tag: string, body: unknown): void {
    const cell = this.#cell;
    const { core } = cell;
    const fire = (timer: TimerNote): void =>
      cell.push(new Envelope(timer.tag, timer.body, timer, core.scheduler.stampNow()));
    const timers = cell.rarely().timers ??= new ActorTimers(core.deadlines, fire);
    if (timers.count >= core.limits.timersPerActor) throw tooMany(cell, "timers");
    timers.set(name, ms, repeat, tag, body);
  }

  cancelTimer(name: string): boolean {
    return this.#cell.rare?.timers?.cancel(name) ?? false;
  }

  refTo(protocol: Protocol, address: string): Ref {
    return refTo(this.#cell.core, protocol, address);
  }
}

/** A name whose actor is gone may still have its `ended` queued. */
function keyByAddress(watching: NonNullable<Rare["watching"]>, address: string): unknown {
  for (const [key, { note }] of watching) if (note.ref.address === address) return key;
  return null;
}

/** Notes the watch with its target, or answers at once where that is gone. */
export function watchTarget(target: Cell | null, note: EndedNote, ref: Ref): void {
  if (target === null) {
    note.end("unreachable", noSuchActor(ref.address, "nothing has that name"));
  } else if (target.isGone) notifyWatcher(target, note);
  else (target.rarely().watchers ??= new Set()).add(note);
}

function nameTaken(address: string): ActorError {
  return new ActorError("NameTaken", `spawn ${address}: the name is taken; choose another`);
}

function ending(path: string, parent: Cell): ActorError {
  return new ActorError(
    "NodeStopped",
    `spawn ${path}: ${parent.address} is stopping; spawn before, or elsewhere`,
  );
}

function tooMany(cell: Cell, what: string): ActorError {
  return new ActorError("TooMany", `${cell.address} has too many ${what}; end some first`);
}
