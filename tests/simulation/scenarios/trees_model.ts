/** What trees of groups promise, checked at every begin and end of an incarnation. */

import type { Strategy } from "../../../runtime/actor/supervision.ts";

/** One incarnation of an actor of a tree. */
export interface Incarnation {
  readonly address: string;
  /** The incarnation of its supervisor; `null` directly below the node. */
  readonly below: Incarnation | null;
  /** Which child of its supervisor it is. */
  readonly order: number;
  /** How it supervises; `null` for a leaf. */
  readonly strategy: Strategy | null;
  tasks: number;
  /** It ends for another reason than the stop of the node, so in its own time. */
  isEnding: boolean;
}

/** One for each life of the node; objects by throwing through `object`. */
export class TreesModel {
  readonly seen = {
    groups: 0,
    escalations: 0,
    asks: 0,
    settled: 0,
    watches: 0,
    ended: 0,
    tasks: 0,
  };
  /** The node drains: children end from the last one to the first. */
  isDraining = false;
  readonly #living = new Map<string, Incarnation>();
  /** Who has to be gone before an address that has failed begins again. */
  readonly #before = new Map<string, readonly Incarnation[]>();
  /** Below each supervisor, who has ever begun, by its order. */
  readonly #children = new Map<Incarnation, Map<number, string>>();
  /** Told to stop for good. */
  readonly #stopped = new Set<string>();
  readonly #object: (name: string, details: string) => never;

  constructor(object: (name: string, details: string) => never) {
    this.#object = object;
  }

  /** Incarnations that live, and their tasks. */
  get left(): string[] {
    return [...this.#living.values()].map(({ address, tasks }) => `${address} with ${tasks} tasks`);
  }

  begins(one: Omit<Incarnation, "tasks" | "isEnding">): Incarnation {
    const { address, below } = one;
    const old = this.#living.get(address);
    if (old !== undefined) this.#object("one incarnation at a time", `${address} has two`);
    if (below !== null && !this.#lives(below)) {
      this.#object("nobody lives without its supervisor", `${address} begins below a dead one`);
    }
    const late = (this.#before.get(address) ?? []).filter((other) => this.#lives(other));
    if (late.length > 0) {
      const still = late.map((other) => other.address).join(", ");
      this.#object("a group ends before it restarts", `${address} begins beside old ${still}`);
    }
    this.#before.delete(address);
    this.#beginsInTurn(one);
    const made = { ...one, tasks: 0, isEnding: false };
    this.#living.set(address, made);
    return made;
  }

  /** It is told to stop by itself, with all below it. */
  stops(address: string): void {
    this.#stopped.add(address);
    for (const one of this.#living.values()) {
      one.isEnding ||= one.address === address || one.address.startsWith(`${address}/`);
    }
  }

  /** Everything of it has settled. */
  ends(one: Incarnation, reason: "stopped" | "failed"): void {
    const { address, tasks } = one;
    if (!this.#lives(one)) this.#object("an incarnation ends once", address);
    if (tasks > 0) this.#object("tasks end before their actor", `${address} leaves ${tasks}`);
    const orphan = [...this.#living.values()].find(({ below }) => below === one);
    if (orphan !== undefined) {
      this.#object("children end before their supervisor", `${orphan.address} outlives ${address}`);
    }
    this.#living.delete(address);
    if (reason === "failed") this.#fails(one);
    else if (this.isDraining) this.#endsInTurn(one);
  }

  /** A group restarts from the first one to the last. */
  #beginsInTurn({ address, below, order }: Omit<Incarnation, "tasks" | "isEnding">): void {
    const strategy = below?.strategy ?? null;
    if (below === null || strategy === null || strategy === "oneForOne") return;
    let children = this.#children.get(below);
    if (children === undefined) this.#children.set(below, children = new Map());
    children.set(order, address);
    for (const [other, sibling] of children) {
      if (other >= order || this.#stopped.has(sibling) || this.#living.has(sibling)) continue;
      this.#object("the first of a group restarts first", `${address} begins before ${sibling}`);
    }
  }

  #fails(one: Incarnation): void {
    if (one.strategy !== null) this.seen.escalations += 1;
    const strategy = one.below?.strategy ?? null;
    if (strategy === null || strategy === "oneForOne") return;
    const group = this.#siblings(one).filter(({ order }) =>
      strategy === "oneForAll" || order > one.order
    );
    if (group.length > 0) this.seen.groups += 1;
    this.#before.set(one.address, group);
    for (const other of group) other.isEnding = true;
  }

  #endsInTurn(one: Incarnation): void {
    if (one.below === null || one.isEnding) return;
    const later = this.#siblings(one).find(({ order }) => order > one.order);
    if (later === undefined) return;
    this.#object("the last started ends first", `${one.address} ends before ${later.address}`);
  }

  #siblings({ below }: Incarnation): Incarnation[] {
    return [...this.#living.values()].filter((other) => other.below === below);
  }

  #lives(one: Incarnation): boolean {
    return this.#living.get(one.address) === one;
  }
}
