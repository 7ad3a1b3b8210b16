/** A replicated store under every fault: what its clients saw is linearizable, and applied once. */

import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CLIENT_STATES, Clients, type LedgerMesh } from "./raft_clients.ts";
import { lead, repair, serve, stop } from "./raft_end.ts";
import { fillDisks, startFaults } from "./raft_faults.ts";
import { Ledger } from "./raft_ledger.ts";
import { DISK_STATES, drawMembers, RAFT_STATES, RaftMesh } from "./raft_mesh.ts";
import { Recorder } from "./raft_record.ts";
import { pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c", "d", "e", "f", "g"];
const DAYS_MS = 100 * 86_400_000;

/** Limits as small as a seed wants; files are small, for what is simulated of them is zeros. */
export function drawLimits(sim: Simulation): Partial<RaftLimits> {
  const random = sim.random("raft limits");
  const electionMs = pick(random, [150, 150, 300, 1_000]);
  const chance = (value: Partial<RaftLimits>) => random.chance(0.4) ? value : {};
  return {
    segmentBytes: pick(random, [16_384, 65_536]),
    commandBytes: 8_192,
    reserveBytes: pick(random, [65_536, 131_072]),
    electionMs,
    heartbeatMs: Math.round(electionMs / 3),
    // Jumping clocks must not end sessions, unless that is what a seed is about.
    sessionIdleMs: DAYS_MS,
    ...chance({ appendBytes: pick(random, [100, 1_000, 8_192]) }),
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

export const raftKv = scenario({
  name: "raft/kv",
  describe: "what clients of a replicated store see is linearizable, and each command applied once",
  durationMs: 20_000,
  nodes: NODES,
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.9] },
  sometimes: [
    ...RAFT_STATES,
    ...DISK_STATES,
    ...CLIENT_STATES,
    "a witness decides an election",
    "a disk is full",
  ],
  run: async (sim) => {
    const members = drawMembers(sim.random("members"), NODES);
    const ledger = new Ledger(sim);
    const record = new Recorder(sim);
    const clients = new Clients({ sim, record, mesh: () => mesh });
    const mesh: LedgerMesh = new RaftMesh(sim, {
      first: members,
      limits: drawLimits(sim),
      links: smallLimits(sim),
      machine: (life, restored) => ledger.machine(life, restored),
      boot: (life) => clients.start(life),
    });
    const faults = startFaults(sim, mesh.machines);
    fillDisks(sim, mesh.machines);
    await sim.pass(sim.plan.durationMs);
    faults.heal();
    repair(sim);
    await lead(sim, mesh);
    await serve(sim, mesh, record);
    record.judge();
    await stop(sim, mesh);
  },
});
