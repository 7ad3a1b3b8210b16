/** A whole cluster under faults: every accepted run ends once, right, and is published once. */

import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { Clients } from "./cluster_jobs_clients.ts";
import { AGENTS, CONTROLLERS, GATEWAY, Machines } from "./cluster_jobs_machines.ts";
import { JobOracle } from "./cluster_jobs_oracle.ts";

/** Elections, the hold of a mass loss, grace, retries, and the work itself. */
const SETTLE_MS = 300_000;
const LEVEL_MS = 60_000;

export const clusterJobs = scenario({
  name: "cluster/jobs",
  describe: "an accepted run ends once, with the right bytes, published once, whatever dies",
  durationMs: 60_000,
  nodes: [...CONTROLLERS, ...AGENTS, GATEWAY],
  faults: {
    kinds: FAULT_KINDS.filter((kind) => kind !== "disk" && kind !== "jump"),
    intensity: [0, 0.8],
  },
  sometimes: [
    "a run is cancelled",
    "a run is paused",
    "a lease is lost",
    "a lost lease is handed back",
    "a job is retried",
    "a job is recovered",
    "kept bytes are used",
    "the leader dies",
    "all agents work",
  ],
  run: async (sim) => {
    const oracle = new JobOracle(sim);
    const machines = new Machines(sim, (life) => oracle.follow(life));
    const clients = new Clients(sim, machines);
    oracle.watch(machines, clients);
    mark(sim, machines);
    clients.work();
    await sim.faults();
    await resume(sim, clients);
    await sim.converge("all that was accepted has ended", SETTLE_MS, () => {
      const state = machines.leader()?.role?.replica.state;
      return state === undefined ? "nobody leads" : oracle.settled(clients, state);
    });
    await sim.converge("all controllers have the same", LEVEL_MS, () => level(machines));
    for (const { role } of machines.open) oracle.judge(clients, role!.replica.state);
    await machines.stop();
  },
});

/** What a client has paused, it lets go on. */
async function resume(sim: Simulation, clients: Clients): Promise<void> {
  await sim.complete(clients.answered());
  for (const run of clients.runs) {
    if (!run.isAccepted || run.isCancelled) continue;
    const why = "it is over";
    await sim.complete(clients.ask({ type: "intendRun", runId: run.id, intent: "run", why }));
  }
}

function level(machines: Machines): true | string {
  if (machines.open.length < CONTROLLERS.length) return "a controller is down";
  const indexes = new Set(machines.open.map(({ role }) => role!.replica.state.index));
  return indexes.size === 1 || `they are at ${[...indexes]}`;
}

function mark(sim: Simulation, machines: Machines): void {
  let leader: string | null = null;
  const look = (): void => {
    const now = machines.leader();
    if (leader !== null) sim.sometimes("the leader dies", !sim.cluster.isAlive(leader));
    leader = now?.name ?? leader;
    const leases = now?.role?.replica.state.load.leases;
    sim.sometimes("all agents work", AGENTS.every((agent) => (leases?.get(agent) ?? 0) > 0));
    if (!sim.isOver) sim.world.schedule(100, "fault somebody looks", look);
  };
  look();
}
