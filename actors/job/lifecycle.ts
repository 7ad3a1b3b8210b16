/**
 * The life of a job as one pure function: state + event -> state, or a refusal that says why.
 *
 * `apply` is its only caller, so every replica decides alike. What an event may find is in the
 * table {@link ALLOWED}; what it does to the record is in {@link lifecycle}.
 */

import type { ErrorData } from "../../runtime/base/errors.ts";
import { whyNotGranted, whyNotReceived } from "./granted.ts";
import { walkedAnew } from "../set/record.ts";
import { type FilesReport, takeFiles } from "../set/taken.ts";
import { isRepeated } from "./repeated.ts";
import {
  type Grant,
  type Job,
  type JobIntent,
  type JobState,
  type Lease,
  LEASED_STATES,
  type Progressed,
  type Receipt,
  sameLease,
  temporaryName,
} from "./record.ts";

/** What can happen to a job. */
export type JobEvent =
  | { readonly type: "admit" }
  | { readonly type: "assign"; readonly lease: Lease }
  | { readonly type: "phase"; readonly lease: Lease; readonly phase: "running" | "verifying" }
  | { readonly type: "grant"; readonly grant: Grant; readonly lease: Lease }
  /** It is certain that the grant led to nothing: said before its temporary file is given up. */
  | {
    readonly type: "notPublished";
    readonly lease: Lease;
    /** Of the grant that it speaks of; absent in old logs: whichever there is. */
    readonly finalName?: string | undefined;
  }
  | { readonly type: "succeed"; readonly lease: Lease; readonly receipt: Receipt }
  | {
    readonly type: "fail";
    readonly lease: Lease;
    readonly error: ErrorData;
    /** When the next attempt may start; `null`: there will be none. */
    readonly retryAtMs: number | null;
    /** How long that is from now: what counts, as its agent's clock may be wrong; absent in old logs. */
    readonly retryInMs?: number | undefined;
  }
  | { readonly type: "ambiguous"; readonly lease: Lease; readonly error: ErrorData }
  | {
    readonly type: "release";
    readonly lease: Lease;
    readonly why: string;
  }
  /** Its agent does not answer: the lease is over, though its holder may still be at work. */
  | { readonly type: "lose"; readonly why: string }
  /** The holder of a lost lease has come back and let go: its temporary file may be adopted. */
  | { readonly type: "handBack"; readonly lease: Lease }
  /** A checkpoint, for the case that another agent has to go on. */
  | { readonly type: "progress"; readonly lease: Lease; readonly progressed: Progressed }
  /** Of a set: files that may be published, and what became of others. */
  | (FilesReport & { readonly type: "files"; readonly lease: Lease })
  /** Asks which of these versions a set's ledger has: changes nothing, answered by the reason. */
  | { readonly type: "recall"; readonly lease: Lease; readonly versions: string[] }
  | { readonly type: "intend"; readonly intent: JobIntent; readonly why: string }
  | { readonly type: "decide"; readonly published: boolean; readonly why: string };

/** A refused event: nothing changed. */
export interface Refusal {
  readonly refused: string;
}

/** Events of a holder that count only under the job's own lease. */
const UNDER_LEASE: ReadonlySet<JobEvent["type"]> = new Set([
  "phase",
  "grant",
  "notPublished",
  "succeed",
  "fail",
  "ambiguous",
  "release",
  "progress",
  "files",
  "recall",
]);

const ACTIVE: readonly JobState[] = ["assigned", "running", "verifying", "publishing"];

/** In which states an event may come. */
export const ALLOWED: Readonly<Record<JobEvent["type"], readonly JobState[]>> = {
  admit: ["submitted"],
  assign: ["queued", "retrying"],
  /** One that comes late, while publishing, tells nothing new. */
  phase: ACTIVE,
  /** Again while publishing: the granted name was taken, and nothing was renamed. */
  grant: ACTIVE,
  notPublished: ACTIVE,
  succeed: ACTIVE,
  fail: ACTIVE,
  ambiguous: ["assigned", "running", "publishing"],
  release: ACTIVE,
  lose: ACTIVE,
  handBack: ["queued", "retrying", "paused", "unknown", ...ACTIVE],
  progress: ACTIVE,
  files: ACTIVE,
  recall: ACTIVE,
  intend: ["submitted", "queued", "retrying", "paused", "unknown", ...ACTIVE],
  decide: ["unknown"],
};

/**
 * The job after `event` at `nowMs`, or why the event does not hold for it. The job itself if the event
 * was taken before: reports are repeated until they are answered.
 */
export function lifecycle(job: Job, event: JobEvent, nowMs: number): Job | Refusal {
  if (isRepeated(job, event)) return job;
  if (!ALLOWED[event.type].includes(job.state)) {
    return { refused: `${event.type}: job ${job.id} is ${job.state}` };
  }
  if (
    "lease" in event && UNDER_LEASE.has(event.type) && !sameLease(job.lease, event.lease)
  ) {
    return { refused: `${event.type}: lease ${event.lease.index} of job ${job.id} is stale` };
  }
  switch (event.type) {
    case "admit":
      return { ...job, state: "queued", why: "waiting for a free slot" };
    case "assign":
      return assign(job, event.lease, nowMs);
    case "phase":
      return {
        ...job,
        state: event.phase,
        why: `${event.phase} on ${event.lease.agent}${readBy(job.lease)}`,
      };
    case "grant":
      return grant(job, event);
    case "notPublished":
      return {
        ...job,
        state: "running",
        grant: null,
        why: `running on ${event.lease.agent}${readBy(job.lease)}`,
      };
    case "succeed":
      return succeed(job, event, nowMs);
    case "fail":
      return fail(job, event, nowMs);
    case "ambiguous":
      return {
        ...released(job),
        state: "unknown",
        error: event.error,
        why: `cannot tell whether it was published: ${event.error.message}`,
      };
    case "release":
      return settle(released(job), event.why, nowMs);
    case "lose":
      return settle(lost(job), event.why, nowMs);
    case "handBack":
      return handBack(job, event.lease);
    case "progress":
      return { ...job, progressed: event.progressed };
    case "files":
      return takeFiles(job, event.lease, event);
    case "recall":
      return job;
    case "intend":
      return intend(job, event.intent, event.why, nowMs);
    case "decide":
      return event.published
        ? end(job, "succeeded", event.why, nowMs, {})
        : settle({ ...job, grant: null }, event.why, nowMs);
  }
}

function assign(job: Job, lease: Lease, nowMs: number): Job | Refusal {
  if (job.intent !== "run") return { refused: `assign: job ${job.id} is to ${job.intent}` };
  if (job.lease !== null && lease.index <= job.lease.index) {
    return { refused: `assign: lease ${lease.index} of job ${job.id} is not newer` };
  }
  return {
    ...job,
    state: "assigned",
    why: `assigned to ${lease.agent}${readBy(lease)}`,
    lease,
    attempts: job.attempts + 1,
    retryAtMs: null,
    startedMs: job.startedMs ?? nowMs,
    ...(job.set === undefined ? {} : { set: walkedAnew(job.set) }),
  };
}

/** A relay, in words. */
function readBy(lease: Lease | null): string {
  return lease?.reader === undefined ? "" : `, read by ${lease.reader}`;
}

function grant(job: Job, { lease, grant: wanted }: JobEvent & { type: "grant" }): Job | Refusal {
  const refused = whyNotGranted(job, lease, wanted);
  if (refused !== null) return { refused };
  return { ...job, state: "publishing", grant: wanted, why: `publishing ${wanted.finalName}` };
}

function succeed(
  job: Job,
  { lease, receipt }: JobEvent & { type: "succeed" },
  nowMs: number,
): Job | Refusal {
  const refused = whyNotReceived(job, lease, receipt);
  if (refused !== null) return { refused };
  const { files } = receipt;
  const why = files === undefined
    ? `${receipt.outcome} ${receipt.name}`
    : `copied ${files.files} files, ${files.unchanged} were there`;
  return end(job, "succeeded", why, nowMs, { receipt, error: null });
}

function fail(job: Job, event: JobEvent & { type: "fail" }, nowMs: number): Job {
  // Its temporary file is remembered even if it was removed: a power loss may bring its name back.
  const failed: Job = {
    ...released(job),
    error: event.error,
    grant: grantAfter(job, event),
    failures: job.failures + 1,
  };
  if (event.retryAtMs === null || job.intent === "cancel") {
    const state = job.intent === "cancel" ? "cancelled" : "failed";
    return end(failed, state, event.error.message, nowMs, {});
  }
  if (job.intent === "pause") return { ...failed, state: "paused", why: "paused" };
  return {
    ...failed,
    state: "retrying",
    retryAtMs: event.retryInMs === undefined ? event.retryAtMs : nowMs + event.retryInMs,
    why: `attempt ${job.attempts} failed: ${event.error.message}`,
  };
}

/** A grant is over only when it is certain that nothing was published under it: else it is probed. */
function grantAfter(job: Job, event: JobEvent & { type: "fail" }): Grant | null {
  const own = job.grant?.leaseIndex === event.lease.index;
  return own && event.error.definite ? null : job.grant;
}

/** The lease is given back by its proved-gone holder; its temporary file may be adopted. */
function released(job: Job): Job {
  if (job.lease === null) return job;
  const leaseIndex = job.lease.index;
  if (job.adoptable.some((kept) => kept.leaseIndex === leaseIndex)) return { ...job, lease: null };
  const temp = temporaryName(job.id, job.lease);
  return { ...job, lease: null, adoptable: [...job.adoptable, { temp, leaseIndex }] };
}

/**
 * The lease is over, and its holder may not know: its temporary file must be seized, not adopted. Nor may
 * those that it could adopt: it may be writing in one of them.
 */
function lost(job: Job): Job {
  if (job.lease === null) return job;
  const { index: leaseIndex, agent } = job.lease;
  const own = { temp: temporaryName(job.id, job.lease), leaseIndex, agent };
  const adopted = job.adoptable.map(({ temp }) => ({ temp, leaseIndex, agent }));
  return { ...job, lease: null, adoptable: [], stale: [...job.stale, ...adopted, own] };
}

function handBack(job: Job, lease: Lease): Job | Refusal {
  const mine = job.stale.filter(({ leaseIndex, agent = lease.agent }) =>
    leaseIndex === lease.index && agent === lease.agent
  );
  if (mine.length === 0) {
    return { refused: `handBack: job ${job.id} has no lost lease ${lease.index}` };
  }
  const stale = job.stale.filter((one) => !mine.includes(one));
  const handed = mine.map(({ temp, leaseIndex }) => ({ temp, leaseIndex }));
  return { ...job, stale, adoptable: [...job.adoptable, ...handed] };
}

/** Where a job goes that no agent holds, by what its owner wants. */
function settle(job: Job, why: string, nowMs: number): Job {
  if (job.intent === "cancel" && job.grant !== null) {
    const unclear =
      `cancelled while ${job.grant.finalName} was being published: look if it is there`;
    return { ...job, state: "unknown", why: unclear, retryAtMs: null };
  }
  if (job.intent === "cancel") return end(job, "cancelled", why + openText(job), nowMs, {});
  if (job.intent === "pause") return { ...job, state: "paused", why, retryAtMs: null };
  return { ...job, state: "queued", why, retryAtMs: null };
}

/** A set is no single yes or no: what may have been published is named, and never published again. */
function openText({ set }: Job): string {
  const [first] = set?.open ?? [];
  if (set === undefined || first === undefined) return "";
  return `; ${set.open.length} files were being published, look if they are there: ${first.path}` +
    (set.open.length > 1 ? " ..." : "");
}

function intend(job: Job, intent: JobIntent, why: string, nowMs: number): Job | Refusal {
  if (intent === "run" && job.state === "unknown") {
    return { refused: `job ${job.id} is unknown: decide whether it was published` };
  }
  // Who cancels has been told that it will end.
  if (job.intent === "cancel" && intent !== "cancel") {
    return { refused: `${intent}: job ${job.id} is being cancelled` };
  }
  const next = { ...job, intent };
  if (LEASED_STATES.has(job.state)) return { ...next, why };
  if (intent === "run" && job.state !== "paused") return next;
  return settle(next, why, nowMs);
}

function end(job: Job, state: JobState, why: string, nowMs: number, rest: Partial<Job>): Job {
  return { ...job, ...rest, state, why, lease: null, retryAtMs: null, endedMs: nowMs };
}
