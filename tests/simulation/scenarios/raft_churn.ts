/** A replicated store whose members come and go under every fault, with logs that are cut all the time. */

import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { FirstMember } from "../../../runtime/raft/group.ts";
import { CLIENT_STATES, Clients, type LedgerMesh } from "./raft_clients.ts";
import { lead, repair, serve, stop } from "./raft_end.ts";
import { startFaults } from "./raft_faults.ts";
import { DAYS_MS, drawLimits, drawLinks } from "./raft_kv.ts";
import { Ledger } from "./raft_ledger.ts";
import { DISK_STATES, idOf, RAFT_STATES, RaftMesh } from "./raft_mesh.ts";
import { CHURN_STATES, Operator } from "./raft_operator.ts";
import { Recorder } from "./raft_record.ts";
import { pick } from "./remote_mesh.ts";

const RENEW_MS = 4_000;
const NODES = ["a", "b", "c", "d", "e"];

/** One member or more of a group that will change; the rest waits. */
function drawFirst(random: SeededRandom): FirstMember[] {
  const count = pick(random, [1, 2, 3, 3, 3, 4]);
  const hasWitness = count >= 3 && random.chance(0.3);
  return NODES.slice(0, count).map((id, index) => ({
    id,
    witness: hasWitness && index === count - 1,
    priority: random.integer(1, 2),
  }));
}

export const raftChurn = scenario({
  name: "raft/churn",
  describe: "a group whose members change under faults stays linearizable and applies once",
  durationMs: 12_000,
  nodes: NODES,
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.8] },
  sometimes: [...RAFT_STATES, ...DISK_STATES, ...CLIENT_STATES, ...CHURN_STATES],
  run: async (sim) => {
    const random = sim.random("members");
    const first = drawFirst(random);
    const ledger = new Ledger(sim);
    const record = new Recorder(sim);
    const drawn = drawLimits(sim);
    const forgetsKeys = drawn.sessionIdleMs !== DAYS_MS;
    const clients = new Clients({ sim, record, mesh: () => mesh, gapMs: 400, forgetsKeys });
    const mesh: LedgerMesh = new RaftMesh(sim, {
      first,
      spare: NODES.filter((name) => !first.map(idOf).includes(name)),
      limits: {
        ...drawn,
        snapshotEntries: 16,
        keepEntries: pick(random, [1, 4]),
        chunkBytes: pick(random, [64, 512]),
        chunkRetryMs: 500,
      },
      links: drawLinks(sim),
      machine: (life, restored) => ledger.machine(life, restored),
      boot: (life) => clients.start(life),
    });
    const faults = startFaults(sim, mesh.machines);
    new Operator(sim, mesh);
    await sim.pass(sim.plan.durationMs);
    faults.heal();
    repair(sim);
    // Whoever has left gets a new disk, and starts again.
    await sim.pass(RENEW_MS);
    await lead(sim, mesh);
    await serve(sim, mesh, record, clients);
    record.judge();
    await stop(sim, mesh);
  },
});
