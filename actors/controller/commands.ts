/**
 * The commands of the replicated state: its only inputs. Time and random values enter here as data
 * (DESIGN section 5); the schema is the format of the log.
 */

import { z } from "zod";
import type { Plan, PlannedTransfer } from "../../workflows/plan.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { registration } from "../agent/registration.ts";
import { clusterFact } from "./cluster_facts.ts";
import { RATE_SCOPES, rateName, rateSettings } from "../bandwidth/messages.ts";
import { origin } from "./origin.ts";
import type { Job } from "../job/record.ts";

const lease = z.object({
  epoch: z.number().int(),
  group: z.number().int(),
  index: z.number().int(),
  agent: z.string(),
  incarnation: z.string().optional(),
});

const error = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  definite: z.boolean(),
  retryAfterMs: z.number().optional(),
}).transform(({ retryAfterMs, ...rest }) =>
  retryAfterMs === undefined ? rest : { ...rest, retryAfterMs }
);

const level = z.enum(["none", "size", "source", "reread"]);

const grant = z.object({
  leaseIndex: z.number().int(),
  temp: z.string(),
  finalName: z.string(),
  replace: z.boolean(),
  size: z.number().int(),
  sha256: z.string().nullable(),
  root: z.string().nullable(),
  fileId: z.string().nullable(),
  level,
});

const receipt = z.object({
  outcome: z.enum(["published", "skipped", "recovered"]),
  name: z.string(),
  bytes: z.number().int(),
  sha256: z.string().nullable(),
  root: z.string().nullable(),
  level,
  fence: z.string(),
  fileId: z.string().nullable(),
  fetchedBytes: z.number().int(),
  keptBytes: z.number().int(),
  copiedBytes: z.number().int().optional(),
  streamedBecause: z.string().optional(),
  attempts: z.number().int(),
  startedMs: z.number(),
  endedMs: z.number(),
  files: z.object({
    files: z.number().int(),
    unchanged: z.number().int(),
    left: z.number().int(),
    failed: z.number().int(),
    deleted: z.number().int(),
    settled: z.number().int(),
  }).optional(),
});

const progressed = z.object({
  leaseIndex: z.number().int(),
  temp: z.string(),
  chunkBytes: z.number().int().positive(),
  chunks: z.number().int().nonnegative(),
  root: z.string(),
  fingerprint: z.object({
    size: z.number().nullable(),
    mtimeMs: z.number().nullable(),
    etag: z.string().nullable(),
    version: z.string().nullable(),
  }),
});

const count = z.number().int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** What a ledger remembers a version of a file by. */
const fileVersion = z.string().regex(/^[0-9a-f]{32}$/);

const filesReport = z.object({
  type: z.literal("files"),
  lease,
  batch: z.number().int().positive(),
  grants: z.array(z.object({ path: z.string(), grant, version: fileVersion.optional() })),
  done: z.array(z.object({
    path: z.string(),
    outcome: z.enum(["published", "recovered", "unpublished", "unclear"]),
  })),
  counts: z.object({
    unchanged: count,
    left: count,
    failed: count,
    deleted: count,
    settled: count,
  }),
  failures: z.array(z.object({
    path: z.string(),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
  })),
  digest,
});

/** What may be said of a job: by the holder of its lease, or by an operator. */
export const jobEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("admit") }),
  z.object({ type: z.literal("phase"), lease, phase: z.enum(["running", "verifying"]) }),
  z.object({ type: z.literal("grant"), lease, grant }),
  z.object({ type: z.literal("notPublished"), lease, finalName: z.string().optional() }),
  z.object({ type: z.literal("succeed"), lease, receipt }),
  z.object({
    type: z.literal("fail"),
    lease,
    error,
    retryAtMs: z.number().nullable(),
    retryInMs: z.number().nonnegative().optional(),
  }),
  z.object({ type: z.literal("ambiguous"), lease, error }),
  z.object({ type: z.literal("release"), lease, why: z.string() }),
  z.object({ type: z.literal("lose"), why: z.string() }),
  z.object({ type: z.literal("handBack"), lease }),
  z.object({ type: z.literal("progress"), lease, progressed }),
  filesReport,
  z.object({ type: z.literal("recall"), lease, versions: z.array(fileVersion) }),
  z.object({
    type: z.literal("intend"),
    intent: z.enum(["run", "pause", "cancel"]),
    why: z.string(),
  }),
  z.object({ type: z.literal("decide"), published: z.boolean(), why: z.string() }),
]);

/** Checked where it is made (`workflows`), framed by the log's checksum: kept as it is. */
const plan = z.custom<Plan>((value) => typeof value === "object" && value !== null);
const transfer = z.custom<PlannedTransfer>((value) => typeof value === "object" && value !== null);
const job = z.custom<Job>((value) => typeof value === "object" && value !== null);
const spec = z.custom<TransferSpec>((value) => typeof value === "object" && value !== null);

/**
 * A transfer that becomes a job: its spec as it was resolved or, since version 2, its place in the run's
 * plan where nothing of it waits for earlier results. `agent` takes it at once if it has a free slot.
 */
const submission = z.union([
  z.object({ jobId: z.string(), transfer: z.number().int(), agent: z.string().optional() }),
  z.object({ jobId: z.string(), spec, agent: z.string().optional() }),
]);

const agentEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("register"), registration }),
  z.object({ type: z.literal("drain"), why: z.string(), untilMs: z.number().nullable() }),
  z.object({ type: z.literal("resume"), why: z.string() }),
  z.object({ type: z.literal("lose"), incarnation: z.string(), why: z.string() }),
  z.object({ type: z.literal("fail"), incarnation: z.string(), why: z.string() }),
  z.object({ type: z.literal("deregister"), why: z.string() }),
]);

/** The share of a tenant, and its bounds; null: none. */
export const tenantSettings = z.object({
  /** Its share of slots and bytes, against those of others that wait too. */
  weight: z.number().positive().max(1_000),
  /** Leases at a time. */
  maxConcurrentTransfers: z.number().int().positive().nullable(),
  /** Jobs in the queue at a time; those beyond it are `submitted` until there is room. */
  maxQueued: z.number().int().positive().nullable(),
  /** A job that asks for more urgency than this has this one. */
  priorityCeiling: z.enum(["low", "medium", "high", "critical"]),
});

/** What a key may do: see, act, or configure. */
export const scope = z.enum(["viewer", "operator", "admin"]);

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** An API key as it is kept: its hash alone. */
const apiKey = z.object({
  id: z.string(),
  /** SHA-256 of the key, hexadecimal. */
  sha256,
  scope,
  /** The tenants it is for; null: all. */
  tenants: z.array(z.string()).nullable(),
  label: z.string(),
  expiresMs: z.number().nullable(),
});

/**
 * How many jobs an agent takes, as the proposer of an embedded run knows it; absent in old logs: any
 * number. Empty in a cluster: there an agent is one that has registered, with the slots it has declared.
 */
const slots = z.record(z.string(), z.number().int()).optional();

/** One command. */
export const command = z.discriminatedUnion("type", [
  /** Takes the run with its plan into the state; its transfers become jobs as they get ready. */
  z.object({
    type: z.literal("createRun"),
    runId: z.string(),
    tenant: z.string(),
    plan,
    origin: origin.optional(),
  }),
  /**
   * Takes runs into the state, all or none. `pieces`: so many parts of its plan were staged; `plan` is
   * without their transfers. `jobs`: what succeeded in the run that it tries again (`retryOf`).
   */
  z.object({
    type: z.literal("createRuns"),
    runs: z.array(z.object({
      runId: z.string(),
      tenant: z.string(),
      plan,
      pieces: z.number().int().nonnegative(),
      jobs: z.array(job),
      retryOf: z.string().nullable(),
      /** Its jobs go on with what those of the run or job `retryOf` have left. Since version 5. */
      goesOn: z.boolean().optional(),
      origin: origin.optional(),
    })).min(1),
  }),
  /** Keeps a part of a run that is too large for one command; `levels`: that of each transfer. */
  z.object({
    type: z.literal("stageRun"),
    runId: z.string(),
    tenant: z.string(),
    number: z.number().int().nonnegative(),
    transfers: z.array(transfer),
    levels: z.array(z.number().int().nonnegative()),
    jobs: z.array(job),
  }),
  /** Forgets parts that were staged before a moment and belong to no run: who sent them is gone. */
  z.object({ type: z.literal("dropStaged"), beforeMs: z.number() }),
  /**
   * The same, and those of its transfers become jobs that begin at once; a run of one transfer that has
   * nothing to do after it ends with its success. Since version 4.
   */
  z.object({
    type: z.literal("startRun"),
    runId: z.string(),
    tenant: z.string(),
    plan,
    origin: origin.optional(),
    jobs: z.array(submission),
  }),
  /** Makes ready transfers jobs; what will never run is noted with the reason. */
  z.object({
    type: z.literal("submitJobs"),
    runId: z.string(),
    jobs: z.array(submission),
    skipped: z.array(z.object({ name: z.string(), why: z.string(), failed: z.boolean() })),
    slots,
  }),
  /** Gives each job to an agent; the index of this command in the log becomes the lease. */
  z.object({
    type: z.literal("assignJobs"),
    assignments: z.array(z.object({
      jobId: z.string(),
      agent: z.string(),
      /** Reads the source for `agent`. Since version 6. */
      reader: z.string().optional(),
    })),
    slots,
    /** The term in which its scheduler leads: one of another term has been deposed. */
    term: z.number().int().optional(),
  }),
  /** Something happened to a job. */
  z.object({ type: z.literal("jobEvent"), jobId: z.string(), event: jobEvent }),
  /** Something happened to jobs, in order: each is taken or refused by itself. Since version 4. */
  z.object({
    type: z.literal("jobEvents"),
    events: z.array(z.object({ jobId: z.string(), event: jobEvent })).min(1),
  }),
  /** Every lease of this agent is over, and its holder is proved gone. */
  z.object({ type: z.literal("releaseAgent"), agent: z.string(), why: z.string() }),
  /** Something happened to an agent. */
  z.object({ type: z.literal("agentEvent"), agent: z.string(), event: agentEvent }),
  /** Keeps a definition under its name; `ifVersion`: only if that is its version, 0 if it is new. */
  z.object({
    type: z.literal("putDefinition"),
    tenant: z.string(),
    name: z.string(),
    text: z.string(),
    ifVersion: z.number().int().nullable(),
  }),
  z.object({
    type: z.literal("deleteDefinition"),
    tenant: z.string(),
    name: z.string(),
    ifVersion: z.number().int().nullable(),
  }),
  /** Says what a tenant may do; null: what one may of whom nothing was said. */
  z.object({
    type: z.literal("configureTenant"),
    tenant: z.string().min(1),
    settings: tenantSettings.nullable(),
  }),
  /** Says how fast bytes may move there; null: as fast as they go. Since version 5. */
  z.object({
    type: z.literal("putRate"),
    scope: z.enum(RATE_SCOPES),
    name: rateName,
    settings: rateSettings.nullable(),
  }),
  /** Lets jobs of a tenant into the queue, as far as it has room there. */
  z.object({ type: z.literal("admitJobs"), tenant: z.string(), jobIds: z.array(z.string()) }),
  /** Makes an API key known, or changes it. */
  z.object({ type: z.literal("putKey"), key: apiKey }),
  z.object({ type: z.literal("revokeKey"), id: z.string() }),
  /** Pauses, resumes or cancels all jobs of a run. */
  z.object({
    type: z.literal("intendRun"),
    runId: z.string(),
    intent: z.enum(["run", "pause", "cancel"]),
    why: z.string(),
  }),
  /**
   * Cuts a segment of the archive: these runs, which have ended, with all their jobs. Whoever proposes it
   * has made the segment's bytes; `version`: the highest of a run and its jobs, as they are in there.
   */
  z.object({
    type: z.literal("archiveRuns"),
    previous: sha256,
    hash: sha256,
    runs: z.array(z.object({ runId: z.string(), version: z.number().int() })).min(1),
  }),
  /** The segment is on the disks of most controllers: its rows leave the state. */
  z.object({ type: z.literal("sealSegment"), number: z.number().int(), hash: sha256 }),
  /**
   * Adds to a ledger of sets what another log had: 20 bytes an entry, base64. Since version 5, as are
   * runs with sets and what is said of their files.
   */
  z.object({
    type: z.literal("putLedger"),
    tenant: z.string(),
    name: z.string(),
    entries: z.base64(),
  }),
  /** Forgets the segments up to this one. */
  z.object({ type: z.literal("dropSegments"), through: z.number().int() }),
  /** What the leader of a term sees of the cluster itself: all of it that holds now. Since version 5. */
  z.object({
    type: z.literal("noteCluster"),
    term: z.number().int(),
    facts: z.array(clusterFact),
  }),
  /** The run is over. */
  z.object({
    type: z.literal("endRun"),
    runId: z.string(),
    outcome: z.enum(["succeeded", "failed", "cancelled"]),
    why: z.string(),
  }),
]);

export type TenantSettings = z.infer<typeof tenantSettings>;
export type ApiKey = z.infer<typeof apiKey>;
export type Scope = z.infer<typeof scope>;

/** A command as `apply` takes it. */
export type Command = z.infer<typeof command>;

/**
 * The latest version of entries, and of the machine that applies them; those of earlier ones are read as
 * well. What an earlier version does not know gets a new one, in `entry_version.ts` too.
 */
export const ENTRY_VERSION = 6;

/** A command as the log keeps it: with the time that its proposer stamped. */
export const logEntry = z.object({
  version: z.union([
    z.literal(1),
    z.literal(2),
    z.literal(3),
    z.literal(4),
    z.literal(5),
    z.literal(ENTRY_VERSION),
  ]),
  atMs: z.number(),
  command,
});
export type LogEntry = z.infer<typeof logEntry>;
