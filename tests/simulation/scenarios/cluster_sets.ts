/** Sets of files on a cluster under faults: every selected file arrives once, whatever dies. */

import type { JobView } from "../../../actors/desk/messages.ts";
import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { Door } from "./cluster_jobs_door.ts";
import { Judge } from "./cluster_jobs_end.ts";
import { setClocks } from "./cluster_jobs.ts";
import { AGENTS, CONTROLLERS, GATEWAYS, Machines } from "./cluster_jobs_machines.ts";
import { Operator } from "./cluster_jobs_operator.ts";
import { SetClients, type WantedSet } from "./cluster_sets_clients.ts";
import { CrowdedHosts } from "./cluster_sets_hosts.ts";
import { SET_STATES, SetOracle } from "./cluster_sets_oracle.ts";

const SETTLE_MS = 300_000;
const LEVEL_MS = 60_000;
const FINAL: ReadonlySet<string> = new Set(["succeeded", "cancelled", "failed"]);

export const clusterSets = scenario({
  name: "cluster/sets",
  describe: "every selected file of a set is published once, and counted once, whatever dies",
  durationMs: 60_000,
  nodes: [...CONTROLLERS, ...AGENTS, ...GATEWAYS],
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.8] },
  sometimes: [
    ...SET_STATES,
    ...["seize", "token", "conditional", "none"].map((fence) => `a sink with the fence ${fence}`),
    "a set is cancelled",
    "a set is paused",
    "a publish is lost on its way back",
    "the disk of a controller fails",
    "an agent has Workers",
    "a Worker ends by itself",
    "a set ends with a file of which nobody can tell",
    "a host refuses a set's file",
    "a store refuses to copy",
  ],
  run: async (sim) => {
    const oracle = new SetOracle(sim);
    const hosts = new CrowdedHosts(sim);
    const machines = new Machines(
      sim,
      (life) => oracle.follow(life),
      (protocol, env) => hosts.around(protocol, env),
    );
    const door = new Door(sim, machines);
    const clients = new SetClients(sim, machines, door);
    oracle.watch(machines, clients);
    clients.work();
    await sim.faults();
    setClocks(sim);
    await sim.complete(clients.answered());
    await sim.complete(clients.resume());
    const jobs = new Map<string, JobView>();
    const all = "every set that was accepted has ended";
    await sim.converge(all, SETTLE_MS, () => ended(door, clients, jobs));
    for (const set of clients.sets) judgeSet(sim, machines, set, jobs.get(set.id)!);
    const judge = new Judge(sim, machines, new Operator(sim, machines, door));
    await sim.converge("nobody works on what has ended", LEVEL_MS, () => judge.noAttempts());
    await sim.converge("all controllers have the same", LEVEL_MS, () => judge.sameStates());
    await machines.stop();
  },
});

async function ended(
  door: Door,
  clients: SetClients,
  jobs: Map<string, JobView>,
): Promise<true | string> {
  for (const { id: runId } of clients.sets) {
    if (jobs.has(runId)) continue;
    const list = { runId, states: null, labels: [], after: null, limit: 10 };
    const page = await door.read({ type: "jobs", ...list });
    const [job] = page.type === "jobs" ? page.jobs : [];
    if (job === undefined) return `run ${runId} was accepted and has no job`;
    if (!FINAL.has(job.state)) return `${job.id} is ${job.state} on ${job.agent}: ${job.why}`;
    jobs.set(runId, job);
  }
  return true;
}

/** What is where, against what the receipt says. */
function judgeSet(sim: Simulation, machines: Machines, set: WantedSet, job: JobView): void {
  const { store } = machines;
  const seen = `${job.id}: ${job.state}, ${job.why}`;
  const isUnclear = job.state === "failed" && /nobody can tell|ambiguous|cannot tell/.test(job.why);
  sim.sometimes("a set ends with a file of which nobody can tell", isUnclear);
  const isExcused = set.isCancelled || isUnclear;
  sim.check("a set that nobody cancelled succeeds", job.state === "succeeded" || isExcused, seen);
  if (job.state !== "succeeded") return;
  let bytes = 0;
  for (const [path, content] of set.files) {
    const stands = store.files.get(`${set.to}${path}`);
    bytes += content.length;
    const isRight = stands !== undefined && store.sha256(stands.bytes) === store.sha256(content);
    sim.check("every selected file has arrived", isRight, `${seen}: ${path}`);
    const isLeft = store.files.has(`${set.from}${path}`);
    sim.check("a source is settled if asked for, else left", isLeft !== set.isDeleting, path);
  }
  const files = (job.receipt?.["files"] ?? {}) as Readonly<Record<string, number>>;
  const told = `${seen}: ${JSON.stringify(job.receipt)}`;
  // Without a fence a file may be published again, and is counted for each of its receipts.
  if (store.fence === "none") return;
  sim.check("the files are counted once", files["files"] === set.files.size, told);
  sim.check("their bytes are counted once", job.receipt?.["bytes"] === bytes, told);
}
