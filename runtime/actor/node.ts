/** A node: one process's actors, their names, their top supervisor, their end. */

import type { Env } from "../env/env.ts";
import { limitValues } from "../base/limits.ts";
import { checkNodeId } from "./address.ts";
import { Cell, type CellHooks } from "./cell.ts";
import { ActorContext } from "./context.ts";
import { Core } from "./core.ts";
import type { DeadLetters } from "./dead_letters.ts";
import { actor, type ActorDefinition, type Ended, type SpawnOptions } from "./definition.ts";
import type { Carrier, Dock, EndHook, InboundHead } from "./bridge.ts";
import { NodeDock } from "./dock.ts";
import { EndedNote } from "./envelope.ts";
import { ActorError, noSuchActor } from "./errors.ts";
import { drain, halt, kill } from "./halting.ts";
import { CellHost, cellOf, refTo, spawnChild, watchTarget } from "./host.ts";
import { type ActorView, actorViews, type NodeMetrics, nodeMetrics } from "./inspect.ts";
import { ACTOR_LIMITS, type ActorLimits } from "./limits.ts";
import { type Protocol, protocol } from "./protocol.ts";
import type { Ref } from "./ref.ts";
import { RemoteRef } from "./remote_ref.ts";
import type { ChildrenPolicy } from "./supervision.ts";
import type { Outcome } from "./supervisor.ts";
import { WheelEntry } from "./wheel.ts";

/** How a node is started. */
export interface NodeOptions {
  /** Part of every address: 1-128 letters, digits, ".", "_", "-". */
  readonly id: string;
  /** Supervision of the actors that the node itself spawns. */
  readonly children?: ChildrenPolicy;
  /** Overrides of single limits; see `ACTOR_LIMITS`. */
  readonly limits?: Partial<ActorLimits>;
  /** Sends every local message through the codec, as a network would; tests turn it on. */
  readonly roundTripMessages?: boolean;
  /**
   * Says which messages of other nodes are let in, before anything is read of them; all, if left out. The
   * others are answered with ActorError `NotAdmitted`, or are dead letters.
   */
  readonly admit?: (message: InboundHead) => boolean;
  /** The node cannot go on and has ended: every pending call was settled. Exit the process here. */
  readonly onFatal?: (error: unknown) => void;
}

/** How a node stops. */
export interface StopOptions {
  /** How long queued messages are still handled (default 10,000 ms); then work is aborted. */
  readonly withinMs?: number;
}

/** The actors of one process. */
export interface Node {
  readonly id: string;
  readonly env: Env;
  /** Messages that reached nobody: `count`, and `subscribe` for a bounded number per second. */
  readonly deadLetters: Pick<DeadLetters, "count" | "subscribe">;
  /** Starts an actor; its `state` has run when this returns. ActorError `NameTaken`, `StartFailed`. */
  spawn<P extends Protocol, A>(definition: ActorDefinition<P, A>, options: SpawnOptions<A>): Ref<P>;
  /** A reference by address; it finds whoever has that name when a message is sent. */
  ref<P extends Protocol>(protocol: P, address: string): Ref<P>;
  /**
   * Stops one actor of this node and its children after its current message; resolves when it is gone.
   * Rejects with ActorError `NoSuchActor` for an actor of another node.
   */
  stopActor(ref: Ref): Promise<Ended>;
  /** Resolves once the actor is gone for good; at once if it is. */
  ended(ref: Ref): Promise<Ended>;
  /** Handles what is queued, children first, last started first, then stops. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Runs code outside actors whose messages (and what those cause) carry a W3C `traceparent`;
   * ActorError `BadName` if it is none.
   */
  traced<R>(traceparent: string, run: () => R): R;
  /** The tree of actors with their mailboxes. */
  inspect(): ActorView[];
  /** Counters and gauges. */
  metrics(): NodeMetrics;
}

const Root = protocol("quorus.root", { version: 1, messages: {} });

class TimeLimit extends WheelEntry {
  constructor(readonly expired: () => void) {
    super();
  }
  override expire(): void {
    this.expired();
  }
}

class LocalNode implements Node {
  readonly id: string;
  readonly env: Env;
  readonly #core: Core<Cell>;
  readonly #root: Cell;
  readonly #hooks: CellHooks;
  readonly #onFatal: (error: unknown) => void;
  readonly #stopped = Promise.withResolvers<void>();
  #onEnd: EndHook | null = null;
  #stopping = false;
  #ended = false;

  constructor(env: Env, options: NodeOptions) {
    checkNodeId(options.id);
    this.id = options.id;
    this.env = env;
    this.#onFatal = options.onFatal ?? (() => {});
    this.#core = new Core<Cell>(env, {
      id: options.id,
      limits: limitValues(ACTOR_LIMITS, options.limits),
      roundTripMessages: options.roundTripMessages ?? false,
      admit: options.admit ?? (() => true),
      fatal: (error) => this.#fatal(error),
    });
    this.#hooks = {
      contextOf: (cell) => new ActorContext(new CellHost(cell, this.#hooks)),
      rootHalted: (outcome) => this.#rootHalted(outcome),
    };
    const root = actor(Root, { children: options.children ?? {}, state: () => null, on: {} });
    this.#root = new Cell(this.#core, this.#hooks, root, null, "", undefined, "temporary");
    this.#root.startAgain();
  }

  get deadLetters(): DeadLetters {
    return this.#core.deadLetters;
  }

  spawn<P extends Protocol, A>(
    definition: ActorDefinition<P, A>,
    options: SpawnOptions<A>,
  ): Ref<P> {
    const erased = definition as unknown as ActorDefinition<Protocol, unknown>;
    return spawnChild(this.#root, this.#hooks, erased, options).ref as unknown as Ref<P>;
  }

  ref<P extends Protocol>(protocol: P, address: string): Ref<P> {
    return refTo(this.#core, protocol, address) as unknown as Ref<P>;
  }

  stopActor(ref: Ref): Promise<Ended> {
    if (ref instanceof RemoteRef) {
      return Promise.reject(noSuchActor(ref.address, `it is no actor of ${this.id}`));
    }
    const ended = this.ended(ref);
    const cell = cellOf(ref);
    if (cell !== null) halt(cell, { reason: "stopped" }, true);
    return ended;
  }

  ended(ref: Ref): Promise<Ended> {
    return new Promise((resolve) => {
      const { links } = this.#core;
      const note: EndedNote = new EndedNote(ref, ref, (ended) => {
        links.forget(note);
        resolve(ended);
      });
      if (ref instanceof RemoteRef) links.keep(note, ref.watch(note));
      else watchTarget(cellOf(ref), note, ref);
    });
  }

  /** See {@link attach}. */
  attach(makeCarrier: (dock: Dock) => Carrier, onEnd: EndHook): void {
    this.#core.links.attach(() => makeCarrier(new NodeDock(this.#core)));
    this.#onEnd = onEnd;
  }

  traced<R>(traceparent: string, run: () => R): R {
    return this.#core.traced(traceparent, run);
  }

  stop(options: StopOptions = {}): Promise<void> {
    if (this.#stopping || this.#ended) return this.#stopped.promise;
    this.#stopping = true;
    const limit = new TimeLimit(() => this.#stopNow());
    this.#core.deadlines.set(limit, options.withinMs ?? this.#core.limits.drainMs);
    drain(this.#root);
    return this.#stopped.promise;
  }

  inspect(): ActorView[] {
    return actorViews(this.#root);
  }

  metrics(): NodeMetrics {
    return nodeMetrics(this.#core);
  }

  /** All at once, so that one slow child does not use up the time of the others. */
  #stopNow(): void {
    if (this.#root.isGone) return;
    this.env.log.write("warn", "drain took too long, stopping now", { node: this.id });
    for (const cell of [...this.#core.cells.values()].reverse()) {
      halt(cell, { reason: "stopped" }, true);
    }
    halt(this.#root, { reason: "stopped" }, true);
  }

  #rootHalted(outcome: Outcome): void {
    if (outcome.reason === "failed" && !this.#stopping) return this.#fatal(outcome.error);
    this.#root.finish();
    this.#core.links.close();
    const onEnd = this.#takeEndHook();
    if (onEnd === null) this.#end();
    else this.#closeLinks(onEnd).then(() => this.#end());
  }

  #takeEndHook(): EndHook | null {
    const onEnd = this.#onEnd;
    this.#onEnd = null;
    return onEnd;
  }

  /** Waits for the links, which may still have to say good-bye, within a bound. */
  #closeLinks(onEnd: EndHook): Promise<unknown> {
    const { deadlines, limits } = this.#core;
    const bound = Promise.withResolvers<void>();
    deadlines.set(new TimeLimit(() => bound.resolve()), limits.closeMs);
    const closed = Promise.resolve("stopped" as const).then(onEnd).catch((error) =>
      this.env.log.write("error", "links did not close", { node: this.id, error })
    );
    return Promise.race([closed, bound.promise]);
  }

  /** Nothing is waited for any more. */
  #dropLinks(): void {
    const failed = (error: unknown): void =>
      this.env.log.write("error", "links did not close", { node: this.id, error });
    try {
      this.#takeEndHook()?.("failed")?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** See {@link failNode}. */
  fail(error: unknown): void {
    this.#fatal(error);
  }

  #fatal(error: unknown): void {
    if (this.#ended) return;
    this.env.log.write("error", "node ended", { node: this.id, error });
    for (const cell of [...this.#core.cells.values()].reverse()) kill(cell);
    kill(this.#root);
    this.#core.cells.clear();
    this.#core.links.close();
    this.#dropLinks();
    this.#end();
    this.#onFatal(error);
  }

  #end(): void {
    this.#ended = true;
    this.#core.scheduler.close();
    this.#core.deadlines.close();
    this.#stopped.resolve();
  }
}

/**
 * Starts a node whose actors see the world through `env`.
 *
 * @throws ActorError `BadName` if the id cannot stand in an address.
 */
export function startNode(env: Env, options: NodeOptions): Node {
  return new LocalNode(env, options);
}

/**
 * Gives a node its links, once in its life: what `makeCarrier` returns brings messages to other nodes,
 * the dock takes theirs. `runtime/remote` calls this; it is no part of the public `Node`.
 *
 * @throws ActorError `NameTaken` if the node has links, `NodeStopped` if it has ended.
 */
export function attach(
  node: Node,
  makeCarrier: (dock: Dock) => Carrier,
  onEnd: EndHook = () => {},
): void {
  localNode(node).attach(makeCarrier, onEnd);
}

/** Ends a node at once, as if its process had crashed (`onFatal` is called): for unhandled rejections. */
export function failNode(node: Node, error: unknown): void {
  localNode(node).fail(error);
}

function localNode(node: Node): LocalNode {
  if (node instanceof LocalNode) return node;
  throw new ActorError("BadName", `use node "${node.id}": it was not made by startNode`);
}
