/** What must hold of jobs, whatever happens: looked for in the store's own history, not in our records. */

import type { State } from "../../../actors/controller/state.ts";
import { FINAL_STATES, type Job } from "../../../actors/job/record.ts";
import type { ControllerRole } from "../../../actors/tree.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Clients, WantedRun } from "./cluster_jobs_clients.ts";
import { type Life, type Machines, SLOTS } from "./cluster_jobs_machines.ts";

/** See the head of this file. */
export class JobOracle {
  readonly #sim: Simulation;
  /** How each job ended, as the first controller that applied it has said. */
  readonly #ended = new Map<string, string>();
  #machines: Machines | null = null;
  #seen = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Looks at whatever is committed, on each controller. */
  follow({ role, name }: Life<ControllerRole>): void {
    const { replica } = role!;
    replica.follow((news) => {
      for (const one of news) {
        if (one.type !== "committed") continue;
        for (const effect of one.effects) {
          if (effect.type === "jobChanged") this.#changed(name, effect.job, effect.before);
        }
      }
      this.#capacity(name, replica.state);
    });
  }

  /** Every publish of the store is the first of its path, with the right bytes. */
  watch(machines: Machines, clients: Clients): void {
    this.#machines = machines;
    this.#sim.invariant(
      "a destination is published once, and right",
      () => this.#published(clients),
    );
  }

  /** After the faults: everything that was accepted has ended, and is where it should be. */
  settled(clients: Clients, state: State): true | string {
    for (const run of clients.runs) {
      if (!run.isAccepted) return `run ${run.id} has no answer`;
      const found = state.runs.get(run.id);
      if (found === undefined) return `run ${run.id} was accepted and is lost`;
      if (found.state === "running") {
        const jobs = [...found.jobs.values()].map((id) => state.jobs.get(id));
        return `run ${run.id} is running: ${
          jobs.map((job) => `${job?.state} ${job?.why}`).join("; ")
        }`;
      }
    }
    return true;
  }

  /** What is where, against how runs say that they have ended. */
  judge(clients: Clients, state: State): void {
    for (const run of clients.runs) this.#judgeRun(run, state);
  }

  #judgeRun(run: WantedRun, state: State): void {
    const { store } = this.#machines!;
    const found = state.runs.get(run.id)!;
    const excused = run.isCancelled;
    this.#sim.check(
      "a run that nobody has cancelled succeeds",
      found.state === "succeeded" || excused,
      `${run.id}: ${found.state}, ${found.why}`,
    );
    run.files.forEach(({ to, bytes }, n) => {
      const jobId = found.jobs.get(`t${n}`);
      const job = jobId === undefined ? undefined : state.jobs.get(jobId);
      const file = store.files.get(to);
      if (job?.state === "succeeded") {
        this.#sim.check(
          "what has succeeded is there",
          same(file?.bytes, bytes),
          `${to} of ${job.id}`,
        );
      }
      if (job?.state === "cancelled") {
        this.#sim.check(
          "what was cancelled is not there",
          file === undefined,
          `${to} of ${job.id}`,
        );
      }
    });
  }

  #changed(name: string, job: Job, before: Job | null): void {
    if (before !== null && FINAL_STATES.has(before.state)) {
      this.#sim.fail("a job ends once", `${name}: ${job.id} was ${before.state}, is ${job.state}`);
    }
    this.#sim.sometimes("a lease is lost", job.stale.length > (before?.stale.length ?? 0));
    this.#sim.sometimes("a lost lease is handed back", handedBack(job, before));
    this.#sim.sometimes("a job is retried", job.state === "retrying");
    this.#sim.sometimes("nobody can tell", job.state === "unknown");
    this.#sim.sometimes("a job is recovered", job.receipt?.outcome === "recovered");
    this.#sim.sometimes("kept bytes are used", (job.receipt?.keptBytes ?? 0) > 0);
    if (!FINAL_STATES.has(job.state)) return;
    const known = this.#ended.get(job.id);
    this.#sim.check(
      "all agree on how a job ended",
      known === undefined || known === job.state,
      job.id,
    );
    this.#ended.set(job.id, job.state);
  }

  #capacity(name: string, state: State): void {
    for (const [agent, count] of state.load.leases) {
      this.#sim.check("no capacity is exceeded", count <= SLOTS, `${name}: ${agent} has ${count}`);
    }
  }

  #published(clients: Clients): true | string {
    const { history } = this.#machines!.store;
    for (; this.#seen < history.length; this.#seen++) {
      const { operation, to, sha256 } = history[this.#seen]!;
      if (operation !== "publish" || to === null) continue;
      const again = history.findIndex((one) => one.operation === "publish" && one.to === to);
      if (again !== this.#seen) return `${to} is published again`;
      const wanted = clients.runs.flatMap(({ files }) => files).find((file) => file.to === to);
      if (wanted === undefined) return `${to} was never asked for`;
      const file = this.#machines!.store.files.get(to);
      if (!same(file?.bytes, wanted.bytes)) return `${to} has other bytes (${sha256})`;
    }
    return true;
  }
}

function handedBack(job: Job, before: Job | null): boolean {
  return before !== null && job.stale.length < before.stale.length &&
    job.adoptable.length > before.adoptable.length;
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at]);
}
