/** Clients: they propose and read at whoever they take for the leader, or at anybody. */

import type { Durability, Proposal } from "../../../../runtime/raft/core/input.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import type { Member } from "../../../runtime/raft/cluster/member.ts";
import { around, type Plan } from "./plan.ts";

const DURABILITIES: readonly Durability[] = ["quorum", "quorum", "quorum", "all", "leader"];

/** The load on a cluster. */
export class Clients {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  #proposals = 0;
  #reads = 0;
  #isOver = false;

  constructor(cluster: Cluster, plan: Plan, random: SeededRandom) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = random;
  }

  begin(): void {
    this.#every(this.#plan.proposalMs, () => this.propose());
    this.#every(this.#plan.readMs, () => this.read());
    this.#every(this.#plan.snapshotMs, () => this.#someone(0)?.takeSnapshot());
  }

  end(): void {
    this.#isOver = true;
  }

  #every(meanMs: number, act: () => void): void {
    this.#cluster.later(around(this.#random, meanMs), () => {
      if (this.#isOver) return;
      act();
      this.#every(meanMs, act);
    });
  }

  propose(): void {
    const member = this.#someone(0.9);
    if (member === undefined) return;
    const count = this.#random.chance(0.2) ? this.#random.integer(2, 5) : 1;
    const proposals = Array.from({ length: count }, () => this.#proposal());
    member.step({ type: "propose", proposals });
  }

  #proposal(): Proposal {
    this.#proposals += 1;
    const length = this.#random.chance(0.02) ? 300 : this.#random.integer(4, 20);
    const data = new Uint8Array(length);
    new DataView(data.buffer).setUint32(0, this.#proposals);
    const durability = DURABILITIES[this.#random.integer(0, DURABILITIES.length - 1)]!;
    return { id: this.#proposals, data, durability };
  }

  read(): void {
    const member = this.#someone(0.5);
    if (member === undefined || member.isWitness) return;
    this.#reads += 1;
    const context = `${member.id}/${member.incarnation}/${this.#reads}`;
    member.step({ type: "read", context, byClock: this.#random.chance(0.5) });
  }

  /** One who takes itself for the leader, or anybody. */
  #someone(leaderChance: number): Member | undefined {
    const members = [...this.#cluster.members.values()].filter(({ isUp, isPaused }) => {
      return isUp && !isPaused;
    });
    const leaders = members.filter(({ core }) => core?.role === "leader");
    const choices = leaders.length > 0 && this.#random.chance(leaderChance) ? leaders : members;
    if (choices.length === 0) return undefined;
    return choices[this.#random.integer(0, choices.length - 1)];
  }
}
