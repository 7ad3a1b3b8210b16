/**
 * Where each entity lives, decided by one decision maker; pure, so that Raft can replicate it. An entity
 * is a singleton or one key of many. It is revoked, confirmed ended, then granted elsewhere under a
 * higher token; an end that nobody confirms is waited for until somebody says that the holder is fenced.
 *
 * ```
 *   free --grant--> granted --started--> held
 *    ^                 |                   |
 *    |                 +---- revoke -------+--> revoking
 *    +---- ended, or its holder is fenced ---------+          (from granted and held, too)
 * ```
 */

import { PersistentMap } from "../base/persistent_map.ts";
import { ClusterError } from "./errors.ts";

/** One life of a node's keeper; what a life held is gone when it has ended. */
export interface Life {
  readonly node: string;
  readonly life: string;
}

/** A node that can hold entities. */
export interface Host extends Life {
  readonly isUp: boolean;
  readonly isDraining: boolean;
  /** Kinds of entities that it can hold. */
  readonly kinds: readonly string[];
}

/** One entity: the `key` of a `kind`. */
export interface Entity {
  readonly id: string;
  readonly kind: string;
  readonly phase: "free" | "granted" | "held" | "revoking";
  /** Who holds it, or may; `null` if free. */
  readonly holder: Life | null;
  /** Fencing token of the last grant; grows with every grant of any entity. */
  readonly token: number;
  /** Nobody wants it any more once it has ended. */
  readonly isRemoved: boolean;
  /** Where it shall go next, if that is possible. */
  readonly target: string | null;
  readonly freeAtMs: number;
}

/** All that was decided. */
export interface PlacementState {
  readonly hosts: PersistentMap<Host>;
  readonly entities: PersistentMap<Entity>;
  readonly lastToken: number;
}

/** What a holder says of one grant. */
export interface Report extends Life {
  readonly id: string;
  readonly token: number;
}

/** What happens. `hello`: a node is linked and says what it runs; `lost`: it cannot be reached. */
export type PlacementInput =
  | { readonly do: "place"; readonly kind: string; readonly id: string }
  | { readonly do: "remove"; readonly id: string }
  | { readonly do: "move"; readonly id: string; readonly to: string | null }
  | { readonly do: "drain"; readonly node: string; readonly isDraining: boolean }
  | ({
    readonly do: "hello";
    readonly kinds: readonly string[];
    readonly holds: readonly { readonly id: string; readonly token: number }[];
  } & Life)
  | { readonly do: "lost"; readonly node: string }
  | ({ readonly do: "fenced" } & Life)
  | ({ readonly do: "started" } & Report)
  | ({ readonly do: "ended" } & Report)
  | { readonly do: "tick" };

/** What should now happen; only hints, each can be had again by a `tick`. */
export type PlacementEffect =
  | ({ readonly do: "grant"; readonly kind: string } & Report)
  | ({ readonly do: "revoke" } & Report)
  /** Only the end of the holder's life, or a fence, lets this entity go on elsewhere. */
  | ({ readonly do: "needsFence" } & Report);

/** Bounds of the machine. */
export interface PlacementLimits {
  readonly entities: number;
  readonly regrantMs: number;
}

/** What a step gives. */
export interface PlacementStep {
  readonly state: PlacementState;
  readonly effects: readonly PlacementEffect[];
}

/** Nothing is placed, nobody is there. */
export function noPlacement(): PlacementState {
  return { hosts: PersistentMap.empty(), entities: PersistentMap.empty(), lastToken: 0 };
}

/** What becomes of the state; ClusterError `TooMany`, `NotPlaced` refuse a `place` or `move`. */
export function stepPlacement(
  state: PlacementState,
  input: PlacementInput,
  nowMs: number,
  limits: PlacementLimits,
): PlacementStep {
  const work = new Work(state, nowMs, limits);
  apply(work, input);
  const mayFreeOthers = input.do === "hello" || input.do === "drain" || input.do === "tick";
  work.grantFree(mayFreeOthers);
  return work.result(input.do === "tick");
}

function apply(work: Work, input: PlacementInput): void {
  switch (input.do) {
    case "place":
      return place(work, input.kind, input.id);
    case "remove":
      return work.update(input.id, (entity) => revoked({ ...entity, isRemoved: true }));
    case "move":
      if (work.entity(input.id) === undefined) throw notPlaced(input.id);
      return work.update(input.id, (entity) => revoked({ ...entity, target: input.to }));
    case "drain":
      return drain(work, input.node, input.isDraining);
    case "hello":
      return hello(work, input);
    case "lost":
      return work.host(input.node, (host) => ({ ...host, isUp: false }));
    case "fenced":
      return fenced(work, input);
    case "started":
      return started(work, input);
    case "ended":
      return ended(work, input);
    case "tick":
      return;
  }
}

function place(work: Work, kind: string, id: string): void {
  const known = work.entity(id);
  if (known !== undefined) return work.update(id, (entity) => ({ ...entity, isRemoved: false }));
  work.add({
    id,
    kind,
    phase: "free",
    holder: null,
    token: 0,
    isRemoved: false,
    target: null,
    freeAtMs: work.nowMs,
  });
}

function drain(work: Work, node: string, isDraining: boolean): void {
  work.host(node, (host) => ({ ...host, isDraining }));
  if (isDraining) {
    work.each((entity) => entity.holder?.node === node ? revoked(entity) : entity);
  }
}

/** Its holder can do no harm any more; it is granted nothing until it says that it is there. */
function fenced(work: Work, life: Life): void {
  work.host(life.node, (host) => host.life === life.life ? { ...host, isUp: false } : host);
  work.each((entity) => isHeldBy(entity, life) ? freed(entity, work.nowMs) : entity);
}

/** What it does not name may be on its way to it: only its own word `ended` frees an entity. */
function hello(work: Work, { node, life, kinds, holds }: PlacementInput & { do: "hello" }): void {
  const isDraining = work.state.hosts.get(node)?.isDraining ?? false;
  work.putHost({ node, life, kinds, isUp: true, isDraining });
  for (const { id, token } of holds) started(work, { node, life, id, token });
  const named = new Set(holds.map(({ id }) => id));
  for (const entity of work.state.entities.values()) {
    if (isHeldBy(entity, { node, life }) && !named.has(entity.id)) work.ask(entity.id);
  }
}

function started(work: Work, report: Report): void {
  const entity = work.entity(report.id);
  if (entity === undefined || !isOf(entity, report)) return work.revoke(report);
  if (entity.phase === "granted") work.update(entity.id, (known) => ({ ...known, phase: "held" }));
}

function ended(work: Work, report: Report): void {
  const entity = work.entity(report.id);
  if (entity === undefined || !isOf(entity, report)) return;
  const waitMs = entity.phase === "revoking" ? 0 : work.limits.regrantMs;
  work.update(entity.id, (known) => freed(known, work.nowMs + waitMs));
}

function revoked(entity: Entity): Entity {
  return { ...entity, phase: entity.phase === "free" ? "free" : "revoking" };
}

function freed(entity: Entity, freeAtMs: number): Entity {
  return { ...entity, phase: "free", holder: null, freeAtMs };
}

function isSameHost(one: Host, other: Host): boolean {
  return one.life === other.life && one.isUp === other.isUp &&
    one.isDraining === other.isDraining && one.kinds.join(" ") === other.kinds.join(" ");
}

function isHeldBy({ holder }: Entity, { node, life }: Life): boolean {
  return holder !== null && holder.node === node && holder.life === life;
}

function isOf(entity: Entity, report: Report): boolean {
  return isHeldBy(entity, report) && entity.token === report.token;
}

/** One step under way. */
class Work {
  state: PlacementState;
  readonly nowMs: number;
  readonly limits: PlacementLimits;
  readonly #touched = new Set<string>();
  readonly #revokes: PlacementEffect[] = [];

  constructor(state: PlacementState, nowMs: number, limits: PlacementLimits) {
    this.state = state;
    this.nowMs = nowMs;
    this.limits = limits;
  }

  entity(id: string): Entity | undefined {
    return this.state.entities.get(id);
  }

  add(entity: Entity): void {
    const most = this.limits.entities;
    if (this.state.entities.size >= most) {
      throw new ClusterError("TooMany", `place "${entity.id}": ${most} entities are the limit`);
    }
    this.#put(entity);
  }

  update(id: string, change: (entity: Entity) => Entity): void {
    const entity = this.entity(id);
    if (entity === undefined) return;
    const next = change(entity);
    if (next !== entity) this.#put(next);
  }

  each(change: (entity: Entity) => Entity): void {
    for (const id of [...this.state.entities.keys()]) this.update(id, change);
  }

  host(node: string, change: (host: Host) => Host): void {
    const host = this.state.hosts.get(node);
    if (host !== undefined) this.putHost(change(host));
  }

  putHost(host: Host): void {
    const known = this.state.hosts.get(host.node);
    // A state that stays the same need not be agreed on again.
    if (known === undefined || !isSameHost(known, host)) {
      this.state = { ...this.state, hosts: this.state.hosts.set(host.node, host) };
    }
    for (const entity of this.state.entities.values()) {
      const isWaiting = entity.phase !== "held" || !host.isUp;
      if (entity.holder?.node === host.node && isWaiting) this.ask(entity.id);
    }
  }

  /** Says again what is outstanding for an entity. */
  ask(id: string): void {
    this.#touched.add(id);
  }

  /** Ends a grant that is not the present one. */
  revoke({ node, life, id, token }: Report): void {
    this.#revokes.push({ do: "revoke", node, life, id, token });
  }

  /** Grants what is free to whom it belongs, if anybody can take it: all, or what this step is about. */
  grantFree(all: boolean): void {
    const ids = all ? [...this.state.entities.keys()] : [...this.#touched];
    for (const id of ids) {
      const entity = this.entity(id);
      if (entity?.phase !== "free" || entity.freeAtMs > this.nowMs) continue;
      const host = choose(this.state.hosts, entity);
      if (host === null) continue;
      const token = this.state.lastToken + 1;
      const { node, life } = host;
      this.state = { ...this.state, lastToken: token };
      this.#put({ ...entity, phase: "granted", holder: { node, life }, token, target: null });
    }
  }

  result(isTick: boolean): PlacementStep {
    const ids = isTick ? [...this.state.entities.keys()] : [...this.#touched];
    const effects = [...this.#revokes];
    for (const id of ids.sort()) {
      const entity = this.entity(id);
      const effect = entity === undefined
        ? null
        : outstanding(this.state, entity, this.#touched.has(id));
      if (effect !== null) effects.push(effect);
    }
    return { state: this.state, effects };
  }

  #put(entity: Entity): void {
    this.#touched.add(entity.id);
    const { entities } = this.state;
    const isOver = entity.phase === "free" && entity.isRemoved;
    const next = isOver ? entities.delete(entity.id) : entities.set(entity.id, entity);
    this.state = { ...this.state, entities: next };
  }
}

/** What its holder must be told, or who must be fenced. */
function outstanding(
  { hosts }: PlacementState,
  { id, kind, phase, holder, token }: Entity,
  isAsked: boolean,
): PlacementEffect | null {
  if (holder === null) return null;
  const { node, life } = holder;
  const host = hosts.get(node);
  const isThere = host !== undefined && host.isUp && host.life === life;
  if (!isThere) return { do: "needsFence", node, life, id, token };
  if (phase === "revoking") return { do: "revoke", node, life, id, token };
  // A grant that is said again is a question: the holder answers `started` or `ended`.
  return phase === "granted" || isAsked ? { do: "grant", node, life, kind, id, token } : null;
}

/** The target, or else the node with the highest hash (Thaler and Ravishankar 1998). */
function choose(hosts: PersistentMap<Host>, { id, kind, target }: Entity): Host | null {
  const able = [...hosts.values()].filter((host) =>
    host.isUp && !host.isDraining && host.kinds.includes(kind)
  );
  const wanted = able.find(({ node }) => node === target);
  if (wanted !== undefined) return wanted;
  const scored = able.map((host) => ({ host, score: hashOf(`${id} ${host.node}`) }));
  scored.sort((a, b) => b.score - a.score || (a.host.node < b.host.node ? -1 : 1));
  return scored[0]?.host ?? null;
}

/** FNV-1a, mixed so that names that differ in the last letter spread. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function notPlaced(id: string): ClusterError {
  return new ClusterError("NotPlaced", `move "${id}": it is not placed; place it first`);
}
