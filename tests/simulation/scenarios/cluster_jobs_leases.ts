/** What `apply` may accept, whoever asked for it: leases, grants, receipts and checkpoints, one by one. */

import type { News } from "../../../actors/controller/outbox.ts";
import type { State } from "../../../actors/controller/state.ts";
import type { AgentStatus } from "../../../actors/agent/record.ts";
import { type Job, type Lease, LEASED_STATES } from "../../../actors/job/record.ts";
import type { ControllerRole } from "../../../actors/tree.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Life, Machines } from "./cluster_jobs_machines.ts";

/** Where agents stand that may hold leases. */
const HOLDING: ReadonlySet<AgentStatus> = new Set(["active", "draining"]);

/** More than are ever on their way to a disk. */
const LOST_ENTRIES = 64;

/** See the head of this file. */
export class LeaseOracle {
  readonly #sim: Simulation;
  /** Temporary files that some lease was allowed to publish, by path. */
  readonly #granted = new Set<string>();
  /** The last lease of each job, and the command that gave it. */
  readonly #newest = new Map<string, { readonly version: number; readonly lease: Lease }>();
  /** Which command gave a token. */
  readonly #given = new Map<string, number>();
  /** What each machine was told to act on, in any of its lives: indexes by its name. */
  readonly #told = new Map<string, Set<number>>();
  readonly #lastTold = new Map<string, number>();
  #machines: Machines | null = null;
  #seen = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Looks at whatever is committed, on each controller. */
  follow({ role, name }: Life<ControllerRole>): void {
    const { replica } = role!;
    replica.follow((news) => {
      for (const one of news) this.#heard(name, one);
      this.#lostHoldNothing(name, replica.state);
    });
  }

  /** Whatever is published was granted before. */
  watch(machines: Machines): void {
    this.#machines = machines;
    const { store } = machines;
    this.#sim.invariant("nothing is published without a committed grant", () => {
      for (; this.#seen < store.history.length; this.#seen++) {
        const { operation, path } = store.history[this.#seen]!;
        if (operation === "publish" && !this.#granted.has(path)) return path;
      }
      return true;
    });
  }

  #heard(name: string, news: News): void {
    if (news.type !== "committed") return;
    if (!news.isReplay) this.#isTold(name, news.index);
    for (const effect of news.effects) {
      if (effect.type === "jobChanged") this.#changed(name, effect.job, effect.before);
    }
  }

  /** A crash may take the end of a log that was not synced: who has lost it hears of it again. */
  #isTold(name: string, index: number): void {
    const told = this.#told.get(name) ?? new Set();
    const last = this.#lastTold.get(name) ?? 0;
    const isOnce = !told.has(index) || index > last - LOST_ENTRIES;
    this.#sim.check("nobody acts twice on one command", isOnce, `${name} at ${index} of ${last}`);
    this.#told.set(name, told.add(index));
    this.#lastTold.set(name, Math.max(last, index));
  }

  #changed(name: string, job: Job, before: Job | null): void {
    const { lease, grant, receipt, progressed } = job;
    const who = `${name}: ${job.id} at ${job.version}`;
    if (lease !== null && !sameLease(before?.lease ?? null, lease)) this.#grows(who, job, lease);
    if (grant !== null && grant !== before?.grant) {
      this.#granted.add(`/out/${grant.temp}`);
      this.#sim.check("a grant is of its lease", grant.leaseIndex === lease?.index, who);
      const isLost = job.stale.some(({ temp }) => temp === grant.temp);
      this.#sim.check("no file of a lost lease is granted", !isLost, who);
    }
    if (receipt !== null && receipt !== before?.receipt) {
      const facts = `${who}: ${receipt.attempts} of ${job.attempts}`;
      this.#sim.check("a receipt is of the last lease", receipt.attempts === job.attempts, facts);
    }
    if (progressed !== null && progressed !== before?.progressed) this.#isSynced(who, progressed);
  }

  /** Each token is given once, and is greater than those before. */
  #grows(who: string, { id, version }: Job, lease: Lease): void {
    const token = `${id} ${lease.epoch}.${lease.index}`;
    const given = this.#given.get(token) ?? version;
    this.#sim.check("a token is given once", given === version, `${who}: ${token}`);
    this.#given.set(token, version);
    const newest = this.#newest.get(id);
    if (newest !== undefined && newest.version >= version) return;
    const grows = newest === undefined || isAfter(lease, newest.lease);
    this.#sim.check("a later lease has a greater token", grows, `${who}: ${token}`);
    this.#newest.set(id, { version, lease });
    this.#sim.sometimes(
      "an agent loses a job and has it again",
      newest?.lease.agent === lease.agent && newest.lease.incarnation === lease.incarnation,
    );
  }

  #isSynced(who: string, progressed: NonNullable<Job["progressed"]>): void {
    const { temp, chunks, chunkBytes, fingerprint } = progressed;
    const told = Math.min(chunks * chunkBytes, fingerprint.size ?? Infinity);
    const synced = this.#machines?.store.syncedBytes(`/out/${temp}`) ?? 0;
    const facts = `${who}: ${told} bytes of ${temp}, ${synced} are`;
    this.#sim.check("a checkpoint speaks of what is durable", told <= synced, facts);
    this.#sim.sometimes("a checkpoint is replicated");
  }

  #lostHoldNothing(name: string, { jobs, agents }: State): void {
    for (const { id, state, lease } of jobs.values()) {
      if (lease === null || !LEASED_STATES.has(state)) continue;
      const status = agents.get(lease.agent)?.status ?? "unknown";
      const facts = `${name}: ${lease.agent} is ${status}, and has ${id}`;
      const holds = status !== "unknown" && HOLDING.has(status);
      this.#sim.check("who was given up holds no lease", holds, facts);
    }
  }
}

/** Our own: what the product says of equal leases may be what is wrong. */
function sameLease(one: Lease | null, other: Lease): boolean {
  return one?.agent === other.agent && one.epoch === other.epoch && one.index === other.index;
}

function isAfter(one: Lease, other: Lease): boolean {
  return one.epoch !== other.epoch ? one.epoch > other.epoch : one.index > other.index;
}
