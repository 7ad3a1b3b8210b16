/** What must hold of jobs at any moment: looked for in the store's own history, not in our records. */

import type { Effect } from "../../../actors/controller/applied.ts";
import type { State } from "../../../actors/controller/state.ts";
import type { News } from "../../../actors/controller/outbox.ts";
import { FINAL_STATES, type Job, LEASED_STATES, mayHaveLeft } from "../../../actors/job/record.ts";
import type { ControllerRole } from "../../../actors/tree.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Clients } from "./cluster_jobs_clients.ts";
import { isVersion, wantedOf } from "./cluster_jobs_end.ts";
import { AGENTS, type Life, type Machines, SLOTS } from "./cluster_jobs_machines.ts";

/** What jobs live through. */
export const JOB_STATES = [
  "a lease is lost",
  "a lost lease is handed back",
  "a job is retried",
  "a job is recovered",
  "kept bytes are used",
  "a file is copied by its store",
  "nobody can tell",
  "a job waits for its tenant",
  "a cancelled job may have left something",
  "a snapshot takes the place of a log",
  "a file is published again without a fence",
] as const;

/** See the head of this file. */
export class JobOracle {
  readonly #sim: Simulation;
  /** How each job ended, as the first controller that applied it has said. */
  readonly #ended = new Map<string, string>();
  /** What each command has brought about, as the first controller that applied it has said. */
  readonly #brought = new Map<number, string>();
  /** Leases by controller and tenant when they were counted last. */
  readonly #leases = new Map<string, number>();
  #seen = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Looks at whatever is committed, on each controller. */
  follow({ role, name }: Life<ControllerRole>): void {
    const { replica } = role!;
    // What a listener throws is only logged there: the run has failed by then.
    replica.follow((news) => this.#heard(name, news, replica.state));
  }

  /** Every publish of the store is the first of its path, with the right bytes. */
  watch(machines: Machines, clients: Clients): void {
    this.#sim.invariant(
      "a destination is published once, and right",
      () => this.#published(machines, clients),
    );
  }

  #heard(name: string, news: readonly News[], state: State): void {
    for (const one of news) {
      this.#sim.sometimes("a snapshot takes the place of a log", one.type === "restored");
      if (one.type !== "committed") continue;
      this.#sameEverywhere(name, one.index, one.effects);
      for (const effect of one.effects) {
        if (effect.type === "jobChanged") this.#changed(name, effect.job, effect.before);
      }
    }
    this.#capacity(name, state);
  }

  #sameEverywhere(name: string, index: number, effects: readonly Effect[]): void {
    const text = effects.map(shown).join("; ");
    const known = this.#brought.get(index);
    this.#sim.check(
      "a command brings the same about everywhere",
      known === undefined || known === text,
      `${index} on ${name}: ${text}; elsewhere ${known}`,
    );
    this.#brought.set(index, text);
  }

  #changed(name: string, job: Job, before: Job | null): void {
    if (before !== null && FINAL_STATES.has(before.state)) {
      this.#sim.fail("a job ends once", `${name}: ${job.id} was ${before.state}, is ${job.state}`);
    }
    this.#mark(job, before);
    if (!FINAL_STATES.has(job.state)) return;
    const known = this.#ended.get(job.id);
    this.#sim.check(
      "all agree on how a job ended",
      known === undefined || known === job.state,
      job.id,
    );
    this.#ended.set(job.id, job.state);
  }

  #mark(job: Job, before: Job | null): void {
    const { sometimes } = this.#sim;
    const mark = sometimes.bind(this.#sim);
    mark("a lease is lost", job.stale.length > (before?.stale.length ?? 0));
    mark("a lost lease is handed back", handedBack(job, before));
    mark("a job is retried", job.state === "retrying");
    mark("nobody can tell", job.state === "unknown");
    mark("a job is recovered", job.receipt?.outcome === "recovered");
    mark("a file is copied by its store", (job.receipt?.copiedBytes ?? 0) > 0);
    mark("kept bytes are used", (job.receipt?.keptBytes ?? 0) > 0);
    mark("a job waits for its tenant", job.state === "submitted");
    const left = job.state === "cancelled" && mayHaveLeft(job);
    mark("a cancelled job may have left something", left);
  }

  /** Counted anew: what the state has counted itself may be what is wrong. */
  #capacity(name: string, state: State): void {
    const held = new Map<string, number>();
    for (const job of state.jobs.values()) {
      if (!LEASED_STATES.has(job.state)) continue;
      for (const key of [job.lease!.agent, `tenant ${job.tenant}`]) {
        held.set(key, (held.get(key) ?? 0) + 1);
      }
    }
    for (const agent of AGENTS) {
      const count = held.get(agent) ?? 0;
      this.#sim.check("no capacity is exceeded", count <= SLOTS, `${name}: ${agent} has ${count}`);
    }
    for (const { tenant, maxConcurrentTransfers } of state.tenants.values()) {
      const key = `${name} ${tenant}`;
      const count = held.get(`tenant ${tenant}`) ?? 0;
      // A bound that comes later takes no lease back.
      const most = Math.max(maxConcurrentTransfers ?? Infinity, this.#leases.get(key) ?? Infinity);
      this.#sim.check("no bound of a tenant is exceeded", count <= most, `${key} has ${count}`);
      this.#leases.set(key, count);
    }
  }

  #published({ store }: Machines, clients: Clients): true | string {
    const { history } = store;
    for (; this.#seen < history.length; this.#seen++) {
      const { operation, to, sha256 } = history[this.#seen]!;
      if (operation !== "publish" || to === null) continue;
      const wanted = wantedOf(clients, `memory://${to}`);
      const file = store.files.get(to);
      if (!isVersion(wanted, file?.bytes)) return `${to} has other bytes (${sha256})`;
      const again = history.findIndex((one) => one.operation === "publish" && one.to === to);
      if (again === this.#seen) continue;
      this.#sim.sometimes("a file is published again without a fence", store.fence === "none");
      if (store.fence !== "none") return `${to} is published again`;
    }
    return true;
  }
}

function shown(effect: Effect): string {
  if (effect.type !== "jobChanged") return effect.type;
  const { id, state, version, lease, attempts, stale, adoptable, grant } = effect.job;
  const token = lease === null ? "" : `${lease.agent} ${lease.index}`;
  const files = `${stale.map(({ temp }) => temp)} ${adoptable.map(({ temp }) => temp)}`;
  return `${id} ${state} ${version} ${token} ${attempts} ${files} ${grant?.temp}`;
}

function handedBack(job: Job, before: Job | null): boolean {
  return before !== null && job.stale.length < before.stale.length &&
    job.adoptable.length > before.adoptable.length;
}
