/** Which of the free agents takes a job: the closest, then the least loaded. */

import type { PlaceSpec } from "../../workflows/spec.ts";
import type { Book } from "./book.ts";
import type { Candidate } from "./candidates.ts";
import type { Shape, Wanted } from "./demand.ts";
import type { FleetView, Member } from "./fleet.ts";
import { Heap } from "./heap.ts";
import { bestRelay, needsRelay, type Relay } from "./relaying.ts";

/** Jobs of a run that an agent has leases of. */
export type RunLeases = (runId: string, agent: string) => number;

interface Choice {
  readonly member: Member;
  /** Smaller is better. */
  readonly cost: number;
}

/** The free agents by who fits; they are ordered when the first job that they fit is placed. */
export class Placing {
  readonly #fleet: FleetView;
  readonly #book: Book;
  readonly #runLeases: RunLeases;
  readonly #choices = new Map<ReadonlySet<Member>, Map<Shape, Heap<Choice>>>();

  constructor(fleet: FleetView, book: Book, runLeases: RunLeases) {
    this.#fleet = fleet;
    this.#book = book;
    this.#runLeases = runLeases;
  }

  /** The agent that such a job should go to; null: none of those that could has room. */
  best(wanted: Wanted): Member | null {
    const { shape } = wanted;
    const choices = this.#choicesOf(wanted);
    for (let top = choices.peek(); top !== undefined; top = choices.peek()) {
      if (!this.#hasRoom(top.member)) {
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

  /** The two agents that take it together, where nobody could alone; null: that is not so, or none has room. */
  bestRelay(wanted: Wanted): Relay | null {
    const halves = this.#fleet.halves(wanted);
    if (halves === null || !needsRelay(this.#fleet, wanted)) return null;
    const { free } = this.#fleet;
    const hasRoom = (member: Member) => free.has(member) && this.#hasRoom(member);
    return bestRelay(this.#fleet, halves, hasRoom, (shape, member) => this.#cost(shape, member));
  }

  #hasRoom(member: Member): boolean {
    return this.#book.leases(member) < member.candidate.slots;
  }

  #choicesOf(wanted: Wanted): Heap<Choice> {
    const { shape } = wanted;
    const { free } = this.#fleet;
    const fitting = this.#fleet.fitting(wanted);
    let byShape = this.#choices.get(fitting);
    if (byShape === undefined) this.#choices.set(fitting, byShape = new Map());
    const known = byShape.get(shape);
    if (known !== undefined) return known;
    const choices = new Heap<Choice>(isBetter);
    const [fewer, more] = free.size < fitting.size ? [free, fitting] : [fitting, free];
    for (const member of fewer) {
      if (more.has(member)) choices.push({ member, cost: this.#cost(shape, member) });
    }
    byShape.set(shape, choices);
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
