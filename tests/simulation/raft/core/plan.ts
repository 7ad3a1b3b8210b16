/** What a seed stands for: a cluster, its limits, how fast things go there and what goes wrong. */

import type { Configuration, Member } from "../../../../runtime/raft/core/configuration.ts";
import type { RaftOptions } from "../../../../runtime/raft/core/options.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Pace } from "../../../runtime/raft/cluster/pace.ts";

/** What happens to a cluster beside its work. */
export const CHAOS_KINDS = [
  "crash",
  "crashAll",
  "pause",
  "partition",
  "clockJump",
  "snapshot",
  "transfer",
  "change",
  "coup",
] as const;

/** A kind of chaos. */
export type ChaosKind = typeof CHAOS_KINDS[number];

/** A seed, drawn. */
export interface Plan {
  readonly configuration: Configuration;
  readonly raft: Omit<RaftOptions, "id">;
  readonly pace: Pace;
  readonly chaos: readonly ChaosKind[];
  /** How long things go wrong, in virtual ms. */
  readonly durationMs: number;
  /** Mean pauses in virtual ms. */
  readonly chaosMs: number;
  readonly proposalMs: number;
  readonly readMs: number;
  readonly snapshotMs: number;
  readonly downMs: number;
  /** In the end the group must serve while only one voter hears all others. */
  readonly isBridged: boolean;
  readonly extremeClocks: number;
  /** Some priority is 0: then voters stay, so that somebody may lead. */
  readonly hasZeroPriority: boolean;
}

const CLOCKWORK_CHANCE = 0.2;
const CHURN_CHANCE = 0.25;

/** A member of full rank. */
export function voter(id: string, priority = 1, witness = false): Member {
  return { id, role: "voter", witness, priority };
}

/** Full voters and witnesses of the groups that are drawn. */
const SHAPES: readonly (readonly [full: number, witnesses: number])[] = [
  [3, 0],
  [2, 1],
  [3, 1],
  [5, 0],
  [7, 0],
  [3, 0],
  [5, 0],
  [4, 0],
  [2, 0],
  [1, 0],
];

function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.integer(0, choices.length - 1)]!;
}

/** Exponential with a mean. */
export function around(random: SeededRandom, meanMs: number): number {
  return -Math.log(1 - random.next()) * meanMs;
}

/** The plan of a seed; `nodes` fixes the number of full voters. */
export function planOf(random: SeededRandom, nodes: number | null): Plan {
  const [full, witnesses] = nodes === null ? pick(random, SHAPES) : [nodes, 0];
  const hasPriorities = random.chance(0.3);
  const hasZeroPriority = hasPriorities && full >= 3 && random.chance(0.3);
  const members = Array.from({ length: full + witnesses }, (_, place) => {
    const priority = hasZeroPriority && place === 0 ? 0 : hasPriorities ? random.integer(1, 3) : 1;
    return voter(`m${place + 1}`, priority, place >= full);
  });
  const plan: Plan = {
    configuration: { members, outgoing: null },
    raft: limitsOf(random),
    pace: paceOf(random),
    chaos: CHAOS_KINDS.filter(() => random.chance(0.6)),
    durationMs: pick(random, [1_500, 3_000, 6_000]),
    chaosMs: pick(random, [40, 150, 400]),
    proposalMs: pick(random, [8, 30, 100]),
    readMs: pick(random, [20, 60, 200]),
    snapshotMs: pick(random, [60, 300, 3_000]),
    downMs: pick(random, [5, 50, 300, 1_000]),
    isBridged: random.chance(0.3),
    extremeClocks: 0.5,
    hasZeroPriority,
  };
  if (random.chance(CLOCKWORK_CHANCE)) return clockwork(random, plan);
  return random.chance(CHURN_CHANCE) ? churn(random, plan) : plan;
}

/** Members come and go all the time, and leaders fall in between. */
function churn(random: SeededRandom, plan: Plan): Plan {
  const { pace } = plan;
  return {
    ...plan,
    pace: { ...pace, isLost: () => random.chance(0.01), linkMs: () => around(random, 3) },
    chaos: ["change", "change", "change", "change", "crash", "coup"],
    chaosMs: 60,
    downMs: 100,
  };
}

/**
 * Everything is fast but the heartbeats, clocks run apart as far as they may, and leaders are
 * overthrown again and again: whether reads by clock are fresh is a matter of a few ms.
 */
function clockwork(random: SeededRandom, plan: Plan): Plan {
  const { pace } = plan;
  const shortMs = () => around(random, 0.4);
  return {
    ...plan,
    raft: { ...plan.raft, clockReads: true, clockDrift: 0.5, appendBytes: 2_000 },
    pace: {
      ...pace,
      persistMs: shortMs,
      machineMs: shortMs,
      linkMs: shortMs,
      tickMs: () => 3,
      isLost: () => false,
      chance: (drawn) => drawn ** 6,
    },
    chaos: ["coup"],
    extremeClocks: 1,
    chaosMs: 350,
    proposalMs: pick(random, [20, 200]),
    readMs: 60,
  };
}

/** Limits from tiny to roomy. */
function limitsOf(random: SeededRandom): Omit<RaftOptions, "id"> {
  return {
    heartbeatMs: 50,
    electionMs: 150,
    appendBytes: pick(random, [1, 200, 2_000, 500_000]),
    inflightMessages: pick(random, [1, 2, 8, 64]),
    inflightBytes: pick(random, [1, 500, 500_000]),
    commandBytes: 200,
    uncommittedBytes: pick(random, [400, 500_000, 500_000]),
    uncommittedEntries: pick(random, [3, 1_000, 1_000]),
    applyingBytes: pick(random, [1, 300, 500_000]),
    pendingReads: pick(random, [2, 1_000, 1_000]),
    keepEntries: pick(random, [1, 4, 20, 1_000]),
    keepBytes: pick(random, [1, 500, 500_000, 500_000]),
    catchUpRounds: pick(random, [1, 3, 10]),
    transferMs: pick(random, [200, 1_000]),
    allMs: pick(random, [100, 500]),
    chunkRetryMs: pick(random, [100, 500, 2_000]),
    clockSkewMs: 5_000,
    clockReads: random.chance(0.5),
    clockDrift: pick(random, [0.01, 0.2, 0.5]),
    priorityMs: pick(random, [200, 1_000]),
  };
}

function paceOf(random: SeededRandom): Pace {
  const persistMs = pick(random, [0.3, 2, 10, 40]);
  const machineMs = pick(random, [0.3, 2, 20]);
  const linkMs = pick(random, [0.5, 2, 10, 40]);
  const loss = pick(random, [0, 0, 0.02, 0.1, 0.3]);
  const duplicates = pick(random, [0, 0.02, 0.2]);
  const stalls = pick(random, [0, 0.01, 0.05]);
  const stalled = (meanMs: number) => {
    return around(random, random.chance(stalls) ? 20 * meanMs : meanMs);
  };
  const ghosts = pick(random, [0, 0, 0.003]);
  const haste = pick(random, [1, 1, 5]);
  return {
    persistMs: () => stalled(persistMs),
    machineMs: () => stalled(machineMs),
    snapshotMs: () => stalled(30),
    chunkMs: () => stalled(persistMs),
    tickMs: () => 15 + random.next() * 10,
    linkMs: () => 0.1 + (random.chance(ghosts) ? around(random, 1_000) : stalled(linkMs)),
    isLost: () => random.chance(loss),
    isDuplicated: () => random.chance(duplicates),
    isOrdered: random.chance(0.5),
    chance: (drawn) => drawn ** haste,
    chunkBytes: pick(random, [3, 20, 1_000]),
    tellsLoss: random.chance(0.5),
  };
}
