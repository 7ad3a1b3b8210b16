/** What stands between members: links that are cut in one direction or both, for some or for all. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";

/** Shapes of {@link Links.cutShape}. */
export const CUT_SHAPES = ["halves", "alone", "oneWay", "partialMesh", "bridge", "ring"] as const;

/** A shape of cut links. */
export type CutShape = typeof CUT_SHAPES[number];

/** Which links carry nothing. */
export class Links {
  readonly #cut = new Map<MemberId, Set<MemberId>>();
  #cuts = 0;
  /** By receiver. */
  readonly #slowMs = new Map<MemberId, number>();

  get areWhole(): boolean {
    return this.#cuts === 0;
  }

  isCut(from: MemberId, to: MemberId): boolean {
    return this.#cuts > 0 && (this.#cut.get(from)?.has(to) ?? false);
  }

  cut(from: MemberId, to: MemberId): void {
    if (from === to || this.isCut(from, to)) return;
    const targets = this.#cut.get(from) ?? new Set();
    targets.add(to);
    this.#cut.set(from, targets);
    this.#cuts += 1;
  }

  cutBoth(one: MemberId, other: MemberId): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  /** Whatever goes to `to` takes longer. */
  slowDown(to: MemberId, byMs: number): void {
    this.#slowMs.set(to, byMs);
  }

  extraMs(to: MemberId): number {
    return this.#slowMs.size === 0 ? 0 : this.#slowMs.get(to) ?? 0;
  }

  heal(): void {
    this.#slowMs.clear();
    this.#cut.clear();
    this.#cuts = 0;
  }

  /** Cuts the links between `ids` in a `shape`, whose place is drawn. */
  cutShape(shape: CutShape, ids: readonly MemberId[], random: SeededRandom): void {
    const order = shuffled(ids, random);
    switch (shape) {
      case "halves": {
        const left = new Set(order.slice(0, random.integer(1, Math.max(1, order.length - 1))));
        return this.#cutWhere(order, (from, to) => left.has(from) !== left.has(to));
      }
      case "alone":
        return this.#cutWhere(order, (from, to) => from === order[0] || to === order[0]);
      case "oneWay": {
        const isDeaf = random.chance(0.5);
        return this.#cutWhere(order, (from, to) => (isDeaf ? to : from) === order[0]);
      }
      case "partialMesh":
        return this.#cutWhere(order, () => random.chance(0.3));
      case "bridge":
        return this.cutBridge(order);
      case "ring":
        return this.#cutWhere(order, (from, to) => {
          const distance = Math.abs(order.indexOf(from) - order.indexOf(to));
          return distance !== 1 && distance !== order.length - 1;
        });
    }
  }

  /** The first of `ids` hears everybody; the others hear only their half of them. */
  cutBridge(ids: readonly MemberId[]): void {
    const half = new Set(ids.slice(1, 1 + ((ids.length - 1) >> 1)));
    this.#cutWhere(ids, (from, to) => {
      return from !== ids[0] && to !== ids[0] && half.has(from) !== half.has(to);
    });
  }

  #cutWhere(ids: readonly MemberId[], isCut: (from: MemberId, to: MemberId) => boolean): void {
    for (const from of ids) {
      for (const to of ids) if (from !== to && isCut(from, to)) this.cut(from, to);
    }
  }
}

/** `items` in a drawn order. */
export function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const order = items.slice();
  for (let place = order.length - 1; place > 0; place -= 1) {
    const other = random.integer(0, place);
    [order[place], order[other]] = [order[other]!, order[place]!];
  }
  return order;
}
