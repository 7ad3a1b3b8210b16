/** The replicated hot state: plain immutable values that share structure between versions. */

import type { RateRule } from "../bandwidth/rules.ts";
import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { Plan, PlannedTransfer } from "../../workflows/plan.ts";
import type { AgentRecord } from "../agent/record.ts";
import { type Job, type JobIntent, LEASED_STATES } from "../job/record.ts";
import type { ClusterFact } from "./cluster_facts.ts";
import type { ApiKey, TenantSettings } from "./commands.ts";
import type { Origin } from "./origin.ts";

/** One execution of a group. */
export interface Run {
  readonly id: string;
  readonly tenant: string;
  readonly plan: Plan;
  /** Absent where no request has submitted it, and in old logs. */
  readonly origin?: Origin;
  readonly state: "running" | "succeeded" | "failed" | "cancelled";
  readonly why: string;
  readonly intent: JobIntent;
  /** Job ids by the name of their transfer. */
  readonly jobs: PersistentMap<string>;
  /** Transfers that never became jobs, with the reason; `failed` where that is an error. */
  readonly skipped: PersistentMap<{ readonly why: string; readonly failed: boolean }>;
  /** The run or job that it tries again; what succeeded there has jobs here from the beginning. */
  readonly retryOf?: string;
  /** Its jobs go on with what those of `retryOf` have left. */
  readonly goesOn?: true;
  readonly createdMs: number;
  readonly endedMs: number | null;
  /** It has nothing to do after its one job: it succeeds with it. */
  readonly endsWithJob?: true;
  /** The index of the last command that changed it, its jobs aside. */
  readonly version: number;
}

/** What the jobs ask of the agents: derived from them, kept so that nobody has to count. */
export interface Load {
  /** Jobs that wait for an agent, now or after a delay. */
  readonly waiting: number;
  /** Leases by agent, those that it reads for others included: each takes a slot. */
  readonly leases: PersistentMap<number>;
  /** The ids of the jobs whose leases each agent has. */
  readonly held: PersistentMap<PersistentMap<true>>;
  readonly tenants: PersistentMap<TenantLoad>;
}

/** What the jobs of one tenant ask of the agents. */
export interface TenantLoad {
  /** Jobs that are not admitted yet. */
  readonly submitted: number;
  readonly waiting: number;
  readonly leases: number;
}

/** Nothing submitted, nothing under way. */
export const IDLE: TenantLoad = { submitted: 0, waiting: 0, leases: 0 };

/** What an operator has said of a tenant; those without a record have weight 1 and no bounds. */
export interface TenantRecord extends TenantSettings {
  readonly tenant: string;
  /** The index of the command that wrote it. */
  readonly version: number;
  readonly changedMs: number;
}

/** A part of a run that is too large for one command; nobody sees it before the run starts. */
export interface StagedPart {
  readonly runId: string;
  readonly tenant: string;
  readonly number: number;
  readonly transfers: readonly PlannedTransfer[];
  /** The level of each of them in the order of the run. */
  readonly levels: readonly number[];
  /** Jobs that the run begins with: they have succeeded in the one that it tries again. */
  readonly jobs: readonly Job[];
  readonly stagedMs: number;
}

/** Which versions of files sets have copied, so that they copy them once. */
export interface Ledger {
  readonly tenant: string;
  readonly name: string;
  readonly entries: number;
  /** When it was last looked through for what may be forgotten. */
  readonly prunedMs: number;
  /** By the first digits of their versions; see `ledgers.ts`. */
  readonly pages: PersistentMap<Uint8Array>;
}

/** A workflow that is kept by name, as it was written. */
export interface Definition {
  readonly tenant: string;
  readonly name: string;
  readonly text: string;
  /** The index of the command that wrote it. */
  readonly version: number;
  readonly changedMs: number;
}

/** An API key, and since when. */
export interface KeyRecord extends ApiKey {
  readonly createdMs: number;
}

/** A run that has ended, with all its jobs: what the archive keeps. */
export interface ArchivedRun {
  readonly run: Run;
  /** In the order of their ids. */
  readonly jobs: readonly Job[];
}

/** A segment of the archive: a file of ended runs that names the one before it by its hash. */
export interface SegmentRecord {
  /** From 1. */
  readonly number: number;
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly previous: string;
  readonly runs: number;
  readonly jobs: number;
  /** The index and the clock of the command that cut it. */
  readonly index: number;
  readonly cutMs: number;
  /** When the last of its runs ended. */
  readonly lastEndedMs: number;
}

/** What is known of the archive: it is whole where each of its segments is. */
export interface ArchiveState {
  /** The first segment that is kept. */
  readonly first: number;
  /** The number of the last one; 0 before there is any. */
  readonly count: number;
  /** The hash of the last one: the root of the chain. */
  readonly root: string;
  /** By number, from `first` to `count`. */
  readonly segments: PersistentMap<SegmentRecord>;
  /** The rows of segments that are not on enough disks yet, by number. */
  readonly open: PersistentMap<readonly ArchivedRun[]>;
}

/** What the first segment names as the one before it. */
export const CHAIN_START = "0".repeat(64);

/** Everything that `apply` works on. */
export interface State {
  /** Starts at 1; a restore from a backup starts the next one, so that old tokens are void. */
  readonly epoch: number;
  /** Of the last applied command. */
  readonly index: number;
  /** `max` of all stamps: never falls (DESIGN section 5). */
  readonly nowMs: number;
  readonly runs: PersistentMap<Run>;
  readonly jobs: PersistentMap<Job>;
  readonly agents: PersistentMap<AgentRecord>;
  /** By `definitionKey`. */
  readonly definitions: PersistentMap<Definition>;
  readonly keys: PersistentMap<KeyRecord>;
  readonly tenants: PersistentMap<TenantRecord>;
  /** By run and number. */
  readonly staged: PersistentMap<StagedPart>;
  readonly archive: ArchiveState;
  /** By tenant and name. */
  readonly ledgers: PersistentMap<Ledger>;
  /** What holds of the cluster itself, as its leader has noted it last; by `factKey`. */
  readonly noted: PersistentMap<ClusterFact>;
  /** How fast bytes may move, by `rateKey`. */
  readonly rates: PersistentMap<RateRule>;
  readonly load: Load;
}

/** The state before the first command. */
export const INITIAL_STATE: State = {
  epoch: 1,
  index: 0,
  nowMs: 0,
  runs: PersistentMap.empty(),
  jobs: PersistentMap.empty(),
  agents: PersistentMap.empty(),
  definitions: PersistentMap.empty(),
  keys: PersistentMap.empty(),
  tenants: PersistentMap.empty(),
  staged: PersistentMap.empty(),
  archive: {
    first: 1,
    count: 0,
    root: CHAIN_START,
    segments: PersistentMap.empty(),
    open: PersistentMap.empty(),
  },
  ledgers: PersistentMap.empty(),
  noted: PersistentMap.empty(),
  rates: PersistentMap.empty(),
  load: {
    waiting: 0,
    leases: PersistentMap.empty(),
    held: PersistentMap.empty(),
    tenants: PersistentMap.empty(),
  },
};

/** Where a definition is kept. */
export function definitionKey(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}

/** The state with `job` in the place of `before`. */
export function withJob(state: State, before: Job | null, job: Job): State {
  const load = loadAfter(state.load, before, job);
  return { ...state, jobs: state.jobs.set(job.id, job), load };
}

/** Waits for an agent. */
export function isWaiting(job: Job | null): boolean {
  return job !== null && (job.state === "queued" || job.state === "retrying");
}

function loadAfter(load: Load, before: Job | null, job: Job): Load {
  const [from, to] = [holderOf(before), holderOf(job)];
  const [readFrom, readTo] = [readerOf(before), readerOf(job)];
  const waiting = Number(isWaiting(job)) - Number(isWaiting(before));
  const submitted = Number(job.state === "submitted") - Number(before?.state === "submitted");
  const isSame = from === to && readFrom === readTo;
  if (isSame && waiting === 0 && submitted === 0) return load;
  let { leases, held } = load;
  if (from !== to && from !== null) {
    leases = withMore(leases, from, -1);
    held = withHeld(held, from, (jobs) => jobs.delete(job.id));
  }
  if (from !== to && to !== null) {
    leases = withMore(leases, to, 1);
    held = withHeld(held, to, (jobs) => jobs.set(job.id, true));
  }
  if (readFrom !== readTo && readFrom !== null) leases = withMore(leases, readFrom, -1);
  if (readFrom !== readTo && readTo !== null) leases = withMore(leases, readTo, 1);
  const more = Number(to !== null) - Number(from !== null);
  const tenants = tenantsAfter(load.tenants, job.tenant, { submitted, waiting, leases: more });
  return { waiting: load.waiting + waiting, leases, held, tenants };
}

function withHeld(
  held: Load["held"],
  agent: string,
  change: (jobs: PersistentMap<true>) => PersistentMap<true>,
): Load["held"] {
  const jobs = change(held.get(agent) ?? PersistentMap.empty());
  return jobs.size === 0 ? held.delete(agent) : held.set(agent, jobs);
}

function withMore(counts: PersistentMap<number>, key: string, more: number): PersistentMap<number> {
  const count = (counts.get(key) ?? 0) + more;
  return count === 0 ? counts.delete(key) : counts.set(key, count);
}

/** Who is idle has no entry: the load is what the jobs give, whatever was before them. */
function tenantsAfter(
  tenants: PersistentMap<TenantLoad>,
  tenant: string,
  change: TenantLoad,
): PersistentMap<TenantLoad> {
  const before = tenants.get(tenant) ?? IDLE;
  const after: TenantLoad = {
    submitted: before.submitted + change.submitted,
    waiting: before.waiting + change.waiting,
    leases: before.leases + change.leases,
  };
  const isIdle = after.submitted + after.waiting + after.leases === 0;
  return isIdle ? tenants.delete(tenant) : tenants.set(tenant, after);
}

/** The agent that works on a job. */
function holderOf(job: Job | null): string | null {
  return job !== null && LEASED_STATES.has(job.state) ? job.lease?.agent ?? null : null;
}

/** The agent that reads for the one that works on a job. */
function readerOf(job: Job | null): string | null {
  return holderOf(job) === null ? null : job?.lease?.reader ?? null;
}
