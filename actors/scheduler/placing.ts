/** Which of the free agents takes a job: the closest, then the least loaded. */

import type { PlaceSpec } from "../../workflows/spec.ts";
import type { Book } from "./book.ts";
import type { Candidate } from "./candidates.ts";
import type { Shape } from "./demand.ts";
import type { FleetView, Member } from "./fleet.ts";
import { Heap } from "./heap.ts";

/** Jobs of a run that an agent has leases of. */
export type RunLeases = (runId: string, agent: string) => number;

interface Choice {
  readonly member: Member;
  /** Smaller is better. */
  readonly cost: number;
}

/** The free agents by shape; each shape's are ordered when the first job of it is placed. */
export class Placing {
  readonly #fleet: FleetView;
  readonly #book: Book;
  readonly #runLeases: RunLeases;
  readonly #choices = new Map<Shape, Heap<Choice>>();

  constructor(fleet: FleetView, book: Book, runLeases: RunLeases) {
    this.#fleet = fleet;
    this.#book = book;
    this.#runLeases = runLeases;
  }

  /** The agent that a job of this shape should go to; null: none of those that could has room. */
  best(shape: Shape): Member | null {
    const choices = this.#choicesOf(shape);
    for (let top = choices.peek(); top !== undefined; top = choices.peek()) {
      if (this.#book.leases(top.member) >= top.member.candidate.slots) {
        choices.pop();
        continue;
      }
      const cost = this.#cost(shape, top.member);
      if (cost <= top.cost) return top.member;
      // Jobs of this pass have made it busier since it was looked at.
      choices.pop();
      choices.push({ member: top.member, cost });
    }
    return null;
  }

  #choicesOf(shape: Shape): Heap<Choice> {
    const known = this.#choices.get(shape);
    if (known !== undefined) return known;
    const choices = new Heap<Choice>(isBetter);
    const { free } = this.#fleet;
    const fitting = this.#fleet.fitting(shape);
    const [fewer, more] = free.size < fitting.size ? [free, fitting] : [fitting, free];
    for (const member of fewer) {
      if (more.has(member)) choices.push({ member, cost: this.#cost(shape, member) });
    }
    this.#choices.set(shape, choices);
    return choices;
  }

  /** What was asked of the run counts most, then places, then load: less than 1 each step below. */
  #cost(shape: Shape, member: Member): number {
    const { candidate } = member;
    let cost = loadOf(candidate, this.#book.leases(member));
    cost += 4 * Math.max(0, MOST_CLOSENESS - closeness(candidate, shape.near));
    if (shape.run === null) return cost;
    const leases = this.#runLeases(shape.run.id, candidate.agent);
    const isWanted = shape.run.isTogether ? leases > 0 : leases === 0;
    return isWanted ? cost : cost + 8 * MOST_CLOSENESS * (shape.run.isTogether ? 1 : leases);
  }
}

/** Two places that agree in everything, and some tags. */
const MOST_CLOSENESS = 32;

/** How close an agent is to the places that were named: their smallest common place counts most. */
export function closeness({ location, tags }: Candidate, near: readonly PlaceSpec[]): number {
  let sum = 0;
  for (const place of near) {
    if (place.datacenter !== null && place.datacenter === location.datacenter) sum += 8;
    if (place.zone !== null && place.zone === location.zone) sum += 3;
    if (place.region !== null && place.region === location.region) sum += 1;
    sum += Math.min(4, place.tags.filter((tag) => tags.includes(tag)).length);
  }
  return Math.min(sum, MOST_CLOSENESS);
}

/** Part of the slots in use, and what the last heartbeat says: 0 to 3. */
function loadOf({ slots, cpuPercent, availableCapacity }: Candidate, leases: number): number {
  const isExhausted = availableCapacity !== null && availableCapacity <= 0;
  return leases / Math.max(1, slots) + (cpuPercent ?? 0) / 100 + (isExhausted ? 1 : 0);
}

function isBetter(a: Choice, b: Choice): boolean {
  if (a.cost !== b.cost) return a.cost < b.cost;
  return a.member.candidate.agent < b.member.candidate.agent;
}
