/** Clients: they propose and read at whoever they take for the leader, or at anybody. */

import type { Durability, Proposal } from "../../../../runtime/raft/core/input.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import type { Member } from "../../../runtime/raft/cluster/member.ts";
import { around, type Plan } from "./plan.ts";

const RUSH_MS = 500;
const RUSH_PAUSE_MS = 10;

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
    this.#every(this.#plan.readMs, () => this.#read(this.#someone(0.5)));
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

  /** For a while everybody is asked, and `leader` above all; `withCommands`: for more than reads. */
  rush(leader: Member, withCommands: boolean): void {
    for (let atMs = 0; atMs < RUSH_MS; atMs += around(this.#random, RUSH_PAUSE_MS)) {
      this.#cluster.later(atMs, () => {
        if (this.#isOver) return;
        this.#read(this.#random.chance(0.8) ? leader : this.#someone(0));
        if (withCommands) this.propose(this.#someone(0.7, leader));
      });
    }
  }

  propose(member = this.#someone(0.9)): void {
    if (member === undefined) return;
    const count = this.#random.chance(0.2) ? this.#random.integer(2, 5) : 1;
    const proposals = Array.from({ length: count }, () => this.#proposal());
    this.#cluster.plan(member, 0, () => member.step({ type: "propose", proposals }));
  }

  #proposal(): Proposal {
    this.#proposals += 1;
    const length = this.#random.chance(0.02) ? 300 : this.#random.integer(4, 20);
    const data = new Uint8Array(length);
    new DataView(data.buffer).setUint32(0, this.#proposals);
    const durability = DURABILITIES[this.#random.integer(0, DURABILITIES.length - 1)]!;
    return { id: this.#proposals, data, durability };
  }

  #read(member: Member | undefined): void {
    if (member === undefined || member.isWitness) return;
    this.#reads += 1;
    const context = `${member.id}/${member.incarnation}/${this.#reads}`;
    const byClock = this.#random.chance(0.5);
    this.#cluster.plan(member, 0, () => member.step({ type: "read", context, byClock }));
  }

  /** One who takes itself for the leader, or anybody; not `other`. */
  #someone(leaderChance: number, other?: Member): Member | undefined {
    const members = [...this.#cluster.members.values()].filter((member) => {
      return member.isUp && member !== other;
    });
    const leaders = members.filter(({ core }) => core?.role === "leader");
    const choices = leaders.length > 0 && this.#random.chance(leaderChance) ? leaders : members;
    if (choices.length === 0) return undefined;
    return choices[this.#random.integer(0, choices.length - 1)];
  }
}
