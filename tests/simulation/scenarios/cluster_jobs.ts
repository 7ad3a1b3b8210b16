/** A whole cluster under faults: every accepted run ends once, right, and is published once. */

import type { JobView } from "../../../actors/desk/messages.ts";
import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { raftLimits } from "../../../runtime/raft/limits.ts";
import { WORLD_EPOCH_MS } from "../../../runtime/sim/clock.ts";
import { Clients } from "./cluster_jobs_clients.ts";
import { Door } from "./cluster_jobs_door.ts";
import { ended, Judge } from "./cluster_jobs_end.ts";
import { AGENTS, CONTROLLERS, GATEWAYS, Machines } from "./cluster_jobs_machines.ts";
import { Operator, OPERATOR_STATES, Stopper } from "./cluster_jobs_operator.ts";
import { LeaseOracle } from "./cluster_jobs_leases.ts";
import { JOB_STATES, JobOracle } from "./cluster_jobs_oracle.ts";

/** Elections, the hold of a mass loss, grace, retries, and the work itself. */
const SETTLE_MS = 300_000;
const LEVEL_MS = 60_000;

export const clusterJobs = scenario({
  name: "cluster/jobs",
  describe: "an accepted run ends once, with the right bytes, published once, whatever dies",
  durationMs: 60_000,
  nodes: [...CONTROLLERS, ...AGENTS, ...GATEWAYS],
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.8] },
  sometimes: [
    ...JOB_STATES,
    ...OPERATOR_STATES,
    ...["seize", "token", "conditional", "none"].map((fence) => `a sink with the fence ${fence}`),
    "a run is cancelled",
    "a run is cancelled while it publishes",
    "a run is paused",
    "a run is resumed",
    "one key comes through two gateways",
    "a source changes",
    "a store refuses to copy",
    "a publish is lost on its way back",
    "the disk of a controller fails",
    "a run is archived",
    "a checkpoint is replicated",
    "a job is bound to an agent",
    "an agent loses a job and has it again",
    "the leader dies",
    "all agents work",
    "an agent has Workers",
    "a Worker ends by itself",
    "one agent reads for another",
    "an agent dies that reads for another",
  ],
  run: async (sim) => {
    const oracle = new JobOracle(sim);
    const leases = new LeaseOracle(sim);
    const stopper = new Stopper(sim);
    const machines = new Machines(sim, (life) => {
      oracle.follow(life);
      leases.follow(life);
      stopper.follow(life);
    });
    const door = new Door(sim, machines);
    const clients = new Clients(sim, machines, door);
    const operator = new Operator(sim, machines, door);
    oracle.watch(machines, clients);
    leases.watch(machines);
    mark(sim, machines);
    clients.work();
    operator.work(clients);
    await sim.faults();
    setClocks(sim);
    await sim.complete(clients.answered());
    await sim.complete(operator.done());
    await sim.complete(clients.resume());
    await end(sim, door, clients, new Judge(sim, machines, operator));
    await machines.stop();
  },
});

async function end(
  sim: Simulation,
  door: Door,
  clients: Clients,
  judge: Judge,
): Promise<void> {
  const jobs = new Map<string, JobView[]>();
  const all = "all that was accepted has ended";
  await sim.converge(all, SETTLE_MS, () => ended(door, clients, jobs));
  for (const run of clients.runs) judge.run(run, jobs.get(run.id)!);
  await sim.converge("nobody works on what has ended", LEVEL_MS, () => judge.noAttempts());
  await sim.converge("all controllers have the same", LEVEL_MS, () => judge.sameStates());
  await sim.converge("no temporary file is left", LEVEL_MS, () => judge.leftovers());
}

/**
 * A group stands still while the clocks of most of its voters are wrong: what it stamps would be wrong too.
 * That is no minority of failures; somebody looks at the clocks and leaves one wrong, which must not matter.
 */
export function setClocks(sim: Simulation): void {
  const clocks = CONTROLLERS.map((name) => sim.cluster.env(name).machine.clocks);
  const errorOf = (wallMs: number) => wallMs - (WORLD_EPOCH_MS + sim.world.nowMs);
  const wrong = clocks.filter((one) => Math.abs(errorOf(one.wallMs())) > raftLimits().clockSkewMs);
  for (const one of wrong.slice(1)) one.jump(-errorOf(one.wallMs()));
}

function mark(sim: Simulation, machines: Machines): void {
  let leader: string | null = null;
  const look = (): void => {
    const now = machines.leader();
    if (leader !== null) sim.sometimes("the leader dies", !sim.cluster.isAlive(leader));
    leader = now?.name ?? leader;
    const state = now?.role?.replica.state;
    const leases = state?.load.leases;
    sim.sometimes("all agents work", AGENTS.every((agent) => (leases?.get(agent) ?? 0) > 0));
    const readers = [...state?.jobs.values() ?? []].map(({ lease }) => lease?.reader)
      .filter((reader) => reader !== undefined);
    sim.sometimes("one agent reads for another", readers.length > 0);
    sim.sometimes(
      "an agent dies that reads for another",
      readers.some((reader) => !sim.cluster.isAlive(reader)),
    );
    sim.sometimes("a run is archived", (state?.archive.count ?? 0) > 0);
    if (!sim.isOver) sim.world.schedule(100, "fault somebody looks", look);
  };
  look();
}
