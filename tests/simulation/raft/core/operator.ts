/** An operator who hands the lead over and changes the members, wisely and unwisely. */

import type { MembershipChange } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import type { Member } from "../../../runtime/raft/cluster/member.ts";
import type { Plan } from "./plan.ts";

const MEMBERS_MADE = 11;
const MEMBERS_AT_ONCE = 8;
const FIRST_ID = 1_000_000_000;

/** Wishes of operators have numbers of their own. */
export class Operator {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #gone = new Set<MemberId>();
  #nextId = FIRST_ID;

  constructor(cluster: Cluster, plan: Plan, random: SeededRandom) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = random;
  }

  /** Whether a removed member was switched off for good. */
  isGone(id: MemberId): boolean {
    return this.#gone.has(id);
  }

  transfer(asked = this.#asked()): void {
    if (asked === undefined) return;
    const ids = [...this.#cluster.members.keys()];
    const to = this.#random.chance(0.3) ? null : this.#pick(ids);
    asked.step({ type: "transfer", id: this.#id(), to });
  }

  change(): void {
    this.#switchOff();
    const asked = this.#asked();
    if (asked === undefined) return;
    const change = this.#wish(asked);
    if (change !== null) asked.step({ type: "change", id: this.#id(), change });
  }

  /** The leader, as a rule. */
  #asked(): Member | undefined {
    const members = [...this.#cluster.members.values()].filter(({ isUp, isPaused }) => {
      return isUp && !isPaused;
    });
    const leader = members.find(({ core }) => core?.role === "leader");
    if (leader !== undefined && !this.#random.chance(0.05)) return leader;
    return members.length === 0 ? undefined : this.#pick(members);
  }

  #wish(asked: Member): MembershipChange | null {
    const shadow = this.#cluster.invariants.shadows.get(asked.id)!;
    const { members } = shadow.configuration.configuration;
    const learners = members.filter(({ role }) => role === "learner");
    const voters = members.filter(({ role }) => role === "voter");
    const full = voters.filter(({ witness }) => !witness);
    const learner = learners.length === 0 ? null : this.#pick(learners);
    const voter = voters.length === 0 ? null : this.#pick(voters);
    const mayLose = !this.#plan.hasZeroPriority && full.length > 1;
    const draw = this.#random.next();
    if (learner !== null && draw < 0.25) return { do: "promote", id: learner.id };
    if (learner !== null && voter !== null && draw < 0.55 && mayLose) {
      const isEven = learner.witness === voter.witness;
      return isEven ? { do: "replace", id: voter.id, by: learner.id } : null;
    }
    if (draw < 0.7 && members.length < MEMBERS_AT_ONCE) return this.#newcomer(members);
    if (draw < 0.85 && mayLose && members.length > 2) {
      return { do: "remove", id: this.#pick(members).id };
    }
    if (draw < 0.97 && members.length > 0) {
      const priority = this.#random.integer(1, 3);
      const { id } = this.#pick(members);
      const isZero = this.#plan.hasZeroPriority && id === "m1";
      return isZero ? null : { do: "setPriority", id, priority };
    }
    return { do: "promote", id: "nobody" };
  }

  /** A new member, or one that was removed before and still has its log. */
  #newcomer(members: readonly { readonly id: MemberId }[]): MembershipChange | null {
    const outside = [...this.#cluster.members.values()].filter(({ id }) => {
      return !this.#gone.has(id) && members.every((one) => one.id !== id);
    });
    const isNew = outside.length === 0 || this.#random.chance(0.3);
    if (isNew && this.#cluster.members.size >= MEMBERS_MADE) return null;
    const member = isNew
      ? this.#cluster.join(`m${this.#cluster.members.size + 1}`, this.#random.chance(0.15))
      : this.#pick(outside);
    const { id, isWitness } = member;
    const priority = this.#random.integer(1, 2);
    return { do: "addLearner", member: { id, witness: isWitness, priority } };
  }

  /** Some of those that were removed are switched off; the others stay and want to be heard. */
  #switchOff(): void {
    const { committed } = this.#cluster.invariants;
    const placed = committed.configurationAt(committed.last);
    if (placed === undefined || placed.configuration.outgoing !== null) return;
    for (const { id, disk, isUp } of this.#cluster.members.values()) {
      const wasIn = disk.durableIndex > 0;
      const isIn = placed.configuration.members.some((one) => one.id === id);
      if (isIn || !wasIn || this.#gone.has(id) || !this.#random.chance(0.1)) continue;
      if (this.#isWanted(id)) continue;
      this.#gone.add(id);
      if (isUp) this.#cluster.member(id).crash();
    }
  }

  /** Whether some member's log adds `id` again. */
  #isWanted(id: MemberId): boolean {
    for (const shadow of this.#cluster.invariants.shadows.values()) {
      if (shadow.configuration.configuration.members.some((one) => one.id === id)) return true;
    }
    return false;
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.integer(0, choices.length - 1)]!;
  }
}
