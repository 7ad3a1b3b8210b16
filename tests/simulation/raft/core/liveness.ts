/** After the chaos: a healed group must lead, commit, apply and answer. */

import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import { shuffled } from "../../../runtime/raft/cluster/links.ts";
import type { Member } from "../../../runtime/raft/cluster/member.ts";
import { CALM } from "../../../runtime/raft/cluster/pace.ts";
import type { Pace } from "../../../runtime/raft/cluster/pace.ts";
import { Violation } from "../../../runtime/raft/cluster/violation.ts";

const DEADLINE_MS = 30_000;
const QUIET_MS = 1_000;
const LOOK_MS = 50;
const PROBE_ID = 2_000_000_000;
const PROBES = 100_000;

/** Runs a healed cluster until it serves and is quiet; Violation if it does not come to that. */
export function requireLiveness(cluster: Cluster, pace: Pace): void {
  cluster.pace = { ...CALM, chunkBytes: pace.chunkBytes };
  const deadlineMs = cluster.nowMs + DEADLINE_MS;
  const probe = new Probe(cluster);
  while (cluster.nowMs < deadlineMs) {
    cluster.run(cluster.nowMs + LOOK_MS);
    if (probe.look() === null) return;
  }
  throw new Violation("liveness", `${DEADLINE_MS} ms after all was healed: ${probe.look()}`);
}

/** Two halves hear each other only through one full voter: the group must serve, and be quiet. */
export function requireServiceAcrossBridge(cluster: Cluster, random: SeededRandom): void {
  const { committed, shadows } = cluster.invariants;
  const leader = [...cluster.members.values()].find(({ core }) => core!.role === "leader")!;
  const { members } = shadows.get(leader.id)!.configuration.configuration;
  const bridges = members.filter(({ role, witness, priority }) => {
    return role === "voter" && !witness && priority > 0;
  });
  const bridge = bridges[random.integer(0, bridges.length - 1)]!.id;
  const others = shuffled([...cluster.members.keys()].filter((id) => id !== bridge), random);
  cluster.trace.note(cluster.nowMs, `only ${bridge} hears everybody: ${others}`);
  cluster.links.cutBridge([bridge, ...others]);
  const probe = new Probe(cluster);
  const deadlineMs = cluster.nowMs + DEADLINE_MS;
  const before = committed.last;
  while (cluster.nowMs < deadlineMs) {
    cluster.run(cluster.nowMs + LOOK_MS);
    if (probe.lookAcrossBridge() === null) {
      cluster.invariants.sometimes.saw("served across a bridge");
      return cluster.links.heal();
    }
  }
  const wrong = `${probe.lookAcrossBridge()}, ${committed.last - before} more are committed`;
  throw new Violation("liveness", `${DEADLINE_MS} ms with ${bridge} for a bridge: ${wrong}`);
}

/** Looks at a cluster again and again. */
class Probe {
  readonly #cluster: Cluster;
  #id = PROBE_ID;
  #proposed: { readonly term: number; readonly index: number } | null = null;
  #terms = "";
  #quietSinceMs: number;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#id += Math.floor(cluster.nowMs) * PROBES;
    this.#quietSinceMs = cluster.nowMs;
  }

  /** What is still wrong; null if nothing is. */
  look(): string | null {
    const cluster = this.#cluster;
    this.#listen();
    const leader = this.#leader();
    if (typeof leader === "string") return leader;
    const wrong = this.#serves(leader);
    if (wrong !== null) return wrong;
    const quietMs = cluster.nowMs - this.#quietSinceMs;
    return quietMs < QUIET_MS ? `terms (${this.#terms}) changed ${quietMs} ms ago` : null;
  }

  /** The same where some hear each other and others do not; who leads in vain steps down. */
  lookAcrossBridge(): string | null {
    const cluster = this.#cluster;
    this.#listen();
    const { committed } = cluster.invariants;
    for (const member of cluster.members.values()) {
      const { role, term } = member.core!;
      if (role !== "leader") continue;
      if (this.#proposed?.term !== term) this.#propose(member);
      if (this.#proposed === null || this.#proposed.term !== term) continue;
      if (committed.at(this.#proposed.index)?.term !== term) continue;
      const quietMs = cluster.nowMs - this.#quietSinceMs;
      return quietMs < QUIET_MS ? `terms (${this.#terms}) changed ${quietMs} ms ago` : null;
    }
    return "nobody leads and commits";
  }

  #listen(): void {
    const terms = [...this.#cluster.members.values()].map(({ core }) => core!.term).join();
    if (terms !== this.#terms) this.#quietSinceMs = this.#cluster.nowMs;
    this.#terms = terms;
  }

  #leader(): Member | string {
    const members = [...this.#cluster.members.values()];
    const leaders = members.filter(({ core }) => core!.role === "leader");
    const leader = leaders[0];
    if (leader !== undefined && leaders.length === 1) return leader;
    return `leaders are {${leaders.map(({ id, core }) => `${id} of term ${core!.term}`)}}`;
  }

  #serves(leader: Member): string | null {
    const { invariants } = this.#cluster;
    const { committed } = invariants;
    const { configuration, commit } = invariants.shadows.get(leader.id)!;
    if (configuration.configuration.outgoing !== null) return "the configuration is still joint";
    if (configuration.index > commit) return "a configuration is not committed";
    if (this.#proposed?.term !== leader.core!.term) this.#propose(leader);
    if (this.#proposed === null) return "the leader refuses a command";
    const { index, term } = this.#proposed;
    if (committed.at(index)?.term !== term) {
      return `the command at ${index}/t${term} is uncommitted`;
    }
    for (const { id, witness } of configuration.configuration.members) {
      const member = this.#cluster.member(id);
      const reached = witness ? member.disk.durableIndex : member.machine.index;
      if (reached < index) return `${id} is at ${reached}, the command at ${index}`;
    }
    return this.#openWishes();
  }

  #openWishes(): string | null {
    for (const [id, { open, reads }] of this.#cluster.invariants.wishes) {
      if (reads.size > 0) {
        return `${id} has not answered the reads ${[...reads.keys()].slice(0, 3)}`;
      }
      if (open.size > 0) return `${id} has not answered the wishes ${[...open.keys()].slice(0, 3)}`;
    }
    return null;
  }

  #propose(leader: Member): void {
    this.#id += 1;
    const proposals = [{ id: this.#id, data: new Uint8Array(4), durability: "quorum" }] as const;
    const outputs = leader.step({ type: "propose", proposals });
    const answer = outputs?.answers.find(({ id }) => id === this.#id);
    if (answer?.outcome !== "appended") return;
    this.#proposed = { term: answer.term, index: answer.index };
  }
}
