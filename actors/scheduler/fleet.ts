/** The fleet, indexed: who has room, and who could take what. Kept by the scheduler, read by its policy. */

import type { Candidate } from "./candidates.ts";
import type { Shape, Wanted } from "./demand.ts";
import { type Halves, halvesOf } from "./halves.ts";
import { mayReach } from "./reach.ts";
import { volumeOf } from "./volumes.ts";

/** An agent with what is known of it now. */
export interface Member {
  readonly candidate: Candidate;
  /** Leases that the state counts. */
  readonly leases: number;
}

/** What a pass reads of the fleet. */
export interface FleetView {
  /** Agents that take jobs and have room. */
  readonly free: ReadonlySet<Member>;
  readonly freeSlots: number;
  /** Slots of all agents that take jobs, free or not. */
  readonly slots: number;
  /**
   * Everybody who could take such jobs, busy, suspected or not; where the hosts are out of everybody's reach,
   * everybody else.
   */
  fitting(wanted: Wanted): ReadonlySet<Member>;
  /** What such jobs ask of two agents that take them together; null: they need one. */
  halves(wanted: Wanted): Halves | null;
}

/** Stands for every scheme. */
const ANY = "";

interface Seat extends Member {
  candidate: Candidate;
  leases: number;
}

/** Takes jobs at all, now. */
export function isOpen({ status, isSuspect }: Candidate): boolean {
  return status === "active" && !isSuspect;
}

/** The index of one scheduler. */
export class Fleet implements FleetView {
  readonly free = new Set<Member>();
  slots = 0;
  freeSlots = 0;
  readonly #seats = new Map<string, Seat>();
  #fitting = new WeakMap<Shape, ReadonlySet<Member>>();
  /** Those of them that may reach the hosts, where anybody has said what it may. */
  #reaching = new WeakMap<Wanted, ReadonlySet<Member>>();
  #hasReach = false;
  readonly #halves = new WeakMap<Wanted, { readonly halves: Halves | null }>();
  readonly #byName = new Map<string, Seat>();
  readonly #byScheme = new Map<string, Seat[]>();

  get size(): number {
    return this.#seats.size;
  }

  members(): Iterable<Member> {
    return this.#seats.values();
  }

  find(agent: string): Member | null {
    return this.#seats.get(agent) ?? null;
  }

  /** Takes over the whole list; what does not change is not counted again. */
  refresh(candidates: readonly Candidate[], leasesOf: (agent: string) => number): void {
    let isOther = candidates.length !== this.#seats.size;
    for (const candidate of candidates) {
      const seat = this.#seats.get(candidate.agent);
      if (seat === undefined) {
        this.#seats.set(candidate.agent, { candidate, leases: 0 });
        isOther = true;
      } else {
        isOther ||= !isAlike(seat.candidate, candidate);
        seat.candidate = candidate;
      }
    }
    if (isOther) this.#index(candidates);
    this.free.clear();
    this.slots = 0;
    this.freeSlots = 0;
    for (const seat of this.#seats.values()) {
      seat.leases = leasesOf(seat.candidate.agent);
      this.#count(seat, 1);
    }
  }

  /** The state counts so many leases of an agent now. */
  setLeases(agent: string, leases: number): void {
    const seat = this.#seats.get(agent);
    if (seat === undefined || seat.leases === leases) return;
    this.#count(seat, -1);
    seat.leases = leases;
    this.#count(seat, 1);
  }

  fitting(wanted: Wanted): ReadonlySet<Member> {
    const alike = this.#alike(wanted.shape);
    if (!this.#hasReach) return alike;
    const known = this.#reaching.get(wanted);
    if (known !== undefined) return known;
    const reaching = new Set([...alike].filter(({ candidate }) => reachesHosts(candidate, wanted)));
    const found = reaching.size > 0 || this.#isReached(wanted) ? reaching : alike;
    this.#reaching.set(wanted, found);
    return found;
  }

  /** Whether somebody reaches each end. Where nobody does, an agent takes the job and says what is denied. */
  #isReached(wanted: Wanted): boolean {
    if (wanted.isHalf) return true;
    const halves = this.halves(wanted);
    return halves !== null && this.fitting(halves.read).size > 0 &&
      this.fitting(halves.write).size > 0;
  }

  halves(wanted: Wanted): Halves | null {
    const known = this.#halves.get(wanted);
    if (known !== undefined) return known.halves;
    const halves = halvesOf(wanted);
    this.#halves.set(wanted, { halves });
    return halves;
  }

  #alike(shape: Shape): ReadonlySet<Member> {
    const known = this.#fitting.get(shape);
    if (known !== undefined) return known;
    const found = new Set<Member>();
    for (const seat of this.#shortest(shape)) {
      if (misfitOfShape(seat.candidate, shape) === null) found.add(seat);
    }
    this.#fitting.set(shape, found);
    return found;
  }

  #count(seat: Seat, by: 1 | -1): void {
    if (!isOpen(seat.candidate)) return;
    const room = Math.max(0, seat.candidate.slots - seat.leases);
    this.slots += by * seat.candidate.slots;
    this.freeSlots += by * room;
    if (room > 0 && by > 0) this.free.add(seat);
    else this.free.delete(seat);
  }

  /** Anew: an agent has come or gone, or says something else of what it can do. */
  #index(candidates: readonly Candidate[]): void {
    const known = new Set(candidates.map(({ agent }) => agent));
    for (const agent of this.#seats.keys()) if (!known.has(agent)) this.#seats.delete(agent);
    this.#fitting = new WeakMap();
    this.#reaching = new WeakMap();
    this.#hasReach = candidates.some(({ reach }) => reach !== null);
    this.#byName.clear();
    this.#byScheme.clear();
    for (const seat of this.#seats.values()) {
      const { agent, protocols } = seat.candidate;
      this.#byName.set(agent, seat);
      for (const scheme of protocols ?? [ANY]) {
        const speaking = this.#byScheme.get(scheme);
        if (speaking === undefined) this.#byScheme.set(scheme, [seat]);
        else speaking.push(seat);
      }
    }
  }

  /** The smallest set of agents in which all that fit are. */
  #shortest(shape: Shape): Iterable<Seat> {
    if (shape.agents.length > 0) {
      const named = new Set(shape.agents);
      return [...named].map((name) => this.#byName.get(name)).filter((seat) => seat !== undefined);
    }
    let shortest: Iterable<Seat> = this.#seats.values();
    let length = this.#seats.size;
    const anything = this.#byScheme.get(ANY) ?? [];
    for (const scheme of shape.schemes) {
      const speaking = this.#byScheme.get(scheme) ?? [];
      if (speaking.length + anything.length >= length) continue;
      shortest = [...speaking, ...anything];
      length = speaking.length + anything.length;
    }
    return shortest;
  }
}

/** Whether an agent could take such jobs, were it free. */
export function fits(candidate: Candidate, wanted: Wanted): boolean {
  return misfit(candidate, wanted) === null;
}

/** What an agent lacks. */
export type Misfit = "protocol" | "host" | "volume" | "name" | "tag" | "avoided";

/** The first thing that keeps an agent from taking such jobs; null: nothing. */
export function misfit(candidate: Candidate, wanted: Wanted): Misfit | null {
  const lack = misfitOfShape(candidate, wanted.shape);
  if (lack === "protocol") return lack;
  return reachesHosts(candidate, wanted) ? lack : "host";
}

function reachesHosts({ reach }: Candidate, { sourceHost, destinationHost }: Wanted): boolean {
  if (reach === null) return true;
  return [sourceHost, destinationHost].every((host) => host === null || mayReach(reach, host));
}

function misfitOfShape(candidate: Candidate, shape: Shape): Misfit | null {
  const { protocols, volumes, tags, agent } = candidate;
  if (protocols !== null && !shape.schemes.every((scheme) => protocols.includes(scheme))) {
    return "protocol";
  }
  if (volumes !== null && !shape.files.every((file) => volumeOf(volumes, file) !== null)) {
    return "volume";
  }
  if (shape.agents.length > 0 && !shape.agents.includes(agent)) return "name";
  if (!shape.tags.every((tag) => tags.includes(tag))) return "tag";
  const { avoid } = shape;
  if (avoid.agents.includes(agent) || avoid.tags.some((tag) => tags.includes(tag))) {
    return "avoided";
  }
  return null;
}

/** Whether the index of the one is that of the other. */
function isAlike(a: Candidate, b: Candidate): boolean {
  return a.reach === b.reach && a.relay?.url === b.relay?.url &&
    areAlike(a.protocols, b.protocols, (one, other) => one === other) &&
    areAlike(a.tags, b.tags, (one, other) => one === other) &&
    areAlike(
      a.volumes,
      b.volumes,
      (one, other) =>
        one.id === other.id && one.path === other.path && one.readOnly === other.readOnly,
    );
}

function areAlike<T>(
  a: readonly T[] | null,
  b: readonly T[] | null,
  isEqual: (one: T, other: T) => boolean,
): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.length !== b.length) return false;
  return a.every((one, at) => isEqual(one, b[at] as T));
}
