/** Demands in the order of their waiting, of which any may leave. */

import { assert } from "../../runtime/base/assert.ts";
import { type Demand, isBefore } from "./demand.ts";

/** Those who wait alike: tenant, class, hosts and shape are the same. */
export class WaitingLine {
  /** Left places are null until they are many. */
  #places: (Demand | null)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Almost always at the end: who comes later has waited less. */
  add(demand: Demand): void {
    const places = this.#places;
    let at = places.length;
    while (at > 0) {
      const other = places[at - 1];
      if (other !== null && other !== undefined && !isBefore(demand, other)) break;
      at -= 1;
    }
    if (at === places.length) places.push(demand);
    else places.splice(at, 0, demand);
    this.#size += 1;
  }

  remove(demand: Demand): void {
    const at = this.#find(demand);
    if (at === null) return;
    this.#places[at] = null;
    this.#size -= 1;
    if (this.#places.length > 2 * this.#size + 16) {
      this.#places = this.#places.filter((one) => one !== null);
    }
  }

  /** The first place at or after `place` with somebody; -1: there is none. */
  placeFrom(place: number): number {
    for (let at = place; at < this.#places.length; at++) {
      if (this.#places[at] !== null) return at;
    }
    return -1;
  }

  /** Who is at a place that {@link placeFrom} gave. */
  at(place: number): Demand {
    const demand = this.#places[place];
    assert(demand !== null && demand !== undefined, `somebody waits at place ${place}`);
    return demand;
  }

  #find(demand: Demand): number | null {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const held = this.#heldNear(middle, high);
      if (held === null) high = middle;
      else if (this.#places[held] === demand) return held;
      else if (isBefore(this.#places[held] as Demand, demand)) low = held + 1;
      else high = middle;
    }
    return null;
  }

  /** The first place with somebody at or after `at`. */
  #heldNear(at: number, end: number): number | null {
    for (let near = at; near < end; near++) {
      if (this.#places[near] !== null) return near;
    }
    return null;
  }
}
