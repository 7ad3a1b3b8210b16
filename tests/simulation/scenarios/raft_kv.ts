/** A replicated store under every fault: what its clients saw is linearizable, and applied once. */

import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import type { RemoteLimits } from "../../../runtime/remote/limits.ts";
import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CLIENT_STATES, Clients, type LedgerMesh } from "./raft_clients.ts";
import { lead, repair, serve, stop } from "./raft_end.ts";
import { cutPower, fillDisks, startFaults } from "./raft_faults.ts";
import { Ledger } from "./raft_ledger.ts";
import { DISK_STATES, drawMembers, RAFT_STATES, RaftMesh } from "./raft_mesh.ts";
import { Replacer } from "./raft_operator.ts";
import { Recorder } from "./raft_record.ts";
import { pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c", "d", "e", "f", "g"];
/** Learners catch up within ten election timeouts, or try again. */
const REPLACE_MS = 60_000;
export const DAYS_MS = 100 * 86_400_000;

/** Limits as small as a seed wants; files are small, for what is simulated of them is zeros. */
export function drawLimits(sim: Simulation): Partial<RaftLimits> {
  const random = sim.random("raft limits");
  const electionMs = pick(random, [200, 400, 800]);
  const chance = (value: Partial<RaftLimits>) => random.chance(0.4) ? value : {};
  return {
    segmentBytes: pick(random, [16_384, 65_536]),
    commandBytes: 8_192,
    reserveBytes: pick(random, [65_536, 131_072]),
    electionMs,
    heartbeatMs: Math.round(electionMs / 3),
    // Jumping clocks end sessions, too.
    sessionIdleMs: pick(random, [400, 2_000, DAYS_MS, DAYS_MS]),
    appendBytes: pick(random, [100, 1_000, 8_192, 50_000]),
    ...chance({ inflightMessages: pick(random, [1, 2, 8]) }),
    ...chance({ inflightBytes: pick(random, [100, 1_000]) }),
    ...chance({ uncommittedEntries: pick(random, [2, 8]) }),
    ...chance({ applyingBytes: pick(random, [1, 1_000]) }),
    ...chance({ pendingReads: pick(random, [1, 4]) }),
    ...chance({
      snapshotEntries: pick(random, [8, 64]),
      keepEntries: pick(random, [1, 4, 32]),
      chunkBytes: pick(random, [64, 512, 4_096]),
      chunkRetryMs: pick(random, [200, 2_000]),
    }),
  };
}

/** What a seed makes of links; those of Raft's lane carry a few rounds at once, or nothing would move. */
export function drawLinks(sim: Simulation): Partial<RemoteLimits> {
  const random = sim.random("raft links");
  return {
    ...smallLimits(sim),
    consensusWindowMessages: pick(random, [16, 128, 1_024]),
    // An append is one message: one that is longer than a window never leaves.
    consensusWindowBytes: pick(random, [100_000, 1_000_000]),
    targetWindowMessages: 1_024,
    targetWindowBytes: 1_000_000,
    creditDelayMs: pick(random, [1, 2, 20]),
  };
}

export const raftKv = scenario({
  name: "raft/kv",
  describe: "what clients of a replicated store see is linearizable, and each command applied once",
  durationMs: 10_000,
  nodes: NODES,
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.9] },
  sometimes: [
    ...RAFT_STATES,
    ...DISK_STATES,
    ...CLIENT_STATES,
    "a witness decides an election",
    "a disk is full",
    "most machines lose power at once",
    "a joint configuration",
    "a lost disk is replaced",
  ],
  run: async (sim) => {
    const members = drawMembers(sim.random("members"), NODES);
    const ledger = new Ledger(sim);
    const record = new Recorder(sim);
    const fillsDisks = sim.random("disks").chance(0.3);
    // Long values, so that new files are needed.
    const padBytes = fillsDisks ? 3_000 : 0;
    // Long state in the smallest pieces takes longer than anybody waits.
    const limits = { ...drawLimits(sim), ...(fillsDisks ? { chunkBytes: 4_096 } : {}) };
    const forgetsKeys = limits.sessionIdleMs !== DAYS_MS;
    const clients = new Clients({ sim, record, mesh: () => mesh, padBytes, forgetsKeys });
    const replacer = new Replacer(sim, () => mesh);
    const mesh: LedgerMesh = new RaftMesh(sim, {
      first: members,
      limits,
      links: drawLinks(sim),
      machine: (life, restored) => ledger.machine(life, restored),
      givesUp: (id, machine) => replacer.givesUp(id, machine),
      boot: (life) => clients.start(life),
    });
    const faults = startFaults(sim, mesh.machines);
    if (sim.random("power").chance(0.4)) {
      sim.sometimes("most machines lose power at once");
      cutPower(sim, mesh.machines);
    }
    if (fillsDisks) fillDisks(sim, mesh.machines);
    await sim.pass(sim.plan.durationMs);
    faults.heal();
    repair(sim);
    await lead(sim, mesh);
    await sim.converge("the lost disk is replaced", REPLACE_MS, () => replacer.isDone);
    await serve(sim, mesh, record, clients);
    record.judge();
    await stop(sim, mesh);
  },
});
