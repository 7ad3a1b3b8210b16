/**
 * The answers of the API, as `/openapi.json` describes them (`tests/client/openapi_test.ts` compares).
 * Fields that a newer gateway adds are kept and not typed.
 */

import { z } from "zod";

const timeMs = z.number();
const labels = z.record(z.string(), z.string());
const intent = z.enum(["run", "pause", "cancel"]);
const counts = z.record(z.string(), z.number());

/** How fresh an answer is, and which controller gave it. */
export const freshness = z.looseObject({
  consistency: z.enum(["linearizable", "stale"]),
  node: z.string(),
  appliedIndex: z.number(),
  appliedAt: z.string(),
  ageMs: z.number(),
});

/** Schema: what a job has moved. */
export const progress = z.looseObject({
  phase: z.enum(["opening", "keeping", "running", "verifying", "publishing"]),
  doneBytes: z.number(),
  totalBytes: z.number().nullable(),
  fetchedBytes: z.number(),
  keptBytes: z.number(),
  copiedBytes: z.number().optional(),
  bytesPerSecond: z.number(),
  etaMs: z.number().nullable(),
  atOnce: z.looseObject({
    count: z.number(),
    most: z.number(),
    of: z.enum(["files", "ranges"]),
    why: z.string(),
  }).optional(),
});

/** Schema: a job as it is shown. */
export const job = z.looseObject({
  id: z.string(),
  runId: z.string(),
  tenant: z.string(),
  name: z.string(),
  state: z.string(),
  why: z.string(),
  intent,
  source: z.string(),
  destination: z.string(),
  attempts: z.number(),
  failures: z.number(),
  agent: z.string().nullable(),
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    definite: z.boolean(),
  }).nullable(),
  receipt: z.record(z.string(), z.unknown()).nullable(),
  progress: progress.nullable(),
  set: z.looseObject({
    files: z.number(),
    bytes: z.number(),
    unchanged: z.number(),
    left: z.number(),
    failed: z.number(),
    deleted: z.number(),
    settled: z.number(),
    open: z.number(),
    failures: z.array(z.looseObject({
      path: z.string(),
      code: z.string(),
      message: z.string(),
      retryable: z.boolean(),
    })),
  }).optional(),
  labels,
  submittedMs: timeMs,
  startedMs: timeMs.nullable(),
  endedMs: timeMs.nullable(),
  version: z.number(),
});

/** Schema: a run as it is shown. */
export const run = z.looseObject({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  why: z.string(),
  intent,
  labels,
  transfers: counts,
  skipped: z.array(z.looseObject({ name: z.string(), why: z.string(), failed: z.boolean() })),
  retryOf: z.string().nullable().optional(),
  createdMs: timeMs,
  endedMs: timeMs.nullable(),
  version: z.number(),
});

/** Schema: what a tenant may do, and what it has. */
export const tenant = z.looseObject({
  tenant: z.string(),
  settings: z.looseObject({
    weight: z.number(),
    maxConcurrentTransfers: z.number().nullable(),
    maxQueued: z.number().nullable(),
    priorityCeiling: z.string(),
  }).nullable(),
  submitted: z.number(),
  waiting: z.number(),
  running: z.number(),
  ended: counts,
  bytes: z.number(),
  fetchedBytes: z.number(),
  sinceMs: timeMs.nullable(),
});
/** What a tenant may do, and what it has. */
export type Tenant = z.infer<typeof tenant>;

/** Schema: an agent as it is shown. */
export const agent = z.looseObject({
  id: z.string(),
  status: z.string(),
  why: z.string(),
  registration: z.looseObject({
    agentId: z.string(),
    hostname: z.string(),
    version: z.string(),
    capabilities: z.looseObject({
      protocols: z.array(z.string()),
      maxConcurrentTransfers: z.number(),
    }),
    location: z.looseObject({
      datacenter: z.string().nullable(),
      zone: z.string().nullable(),
      region: z.string().nullable(),
      tags: z.array(z.string()),
    }),
  }),
  leases: z.number(),
  heartbeat: z.looseObject({ timestampMs: z.number(), status: z.string() }).nullable(),
  registeredMs: timeMs,
  changedMs: timeMs,
});

/** Schema: a workflow that is kept by name. */
export const definition = z.looseObject({
  tenant: z.string(),
  name: z.string(),
  text: z.string(),
  version: z.number(),
  changedMs: timeMs,
});

/** Schema: the cluster as one controller sees it. */
export const cluster = z.looseObject({
  node: z.string(),
  leader: z.string().nullable(),
  term: z.number(),
  appliedIndex: z.number(),
  appliedAtMs: timeMs,
  degraded: z.boolean(),
  controllers: z.array(z.looseObject({
    node: z.string(),
    role: z.string(),
    witness: z.boolean(),
    maintenance: z.boolean(),
    lagEntries: z.number().nullable(),
    lagMs: z.number().nullable(),
    status: z.string(),
    certificateUntilMs: timeMs.nullable(),
  })),
  gateways: z.array(z.looseObject({
    node: z.string(),
    status: z.string(),
    certificateUntilMs: timeMs.nullable(),
  })),
  /** By controller, as far as they have answered; absent in answers of earlier versions. */
  archives: z.record(
    z.string(),
    z.looseObject({
      segments: z.number(),
      missing: z.number(),
      verifiedMs: timeMs.nullable(),
      verified: z.number(),
      damaged: z.number(),
      lastDamagedMs: timeMs.nullable(),
      warning: z.string().nullable(),
    }),
  ).optional(),
  certificatesEnding: counts,
  agents: counts,
  jobs: counts,
  runs: counts,
});

/** Schema: a change that has been decided. */
export const accepted = z.looseObject({ index: z.number(), href: z.string().nullable() });

export const startedRuns = z.looseObject({
  runs: z.array(z.looseObject({
    id: z.string(),
    name: z.string(),
    tenant: z.string(),
    transfers: z.number(),
    href: z.string(),
  })),
});

export const startedJob = z.looseObject({
  id: z.string(),
  runId: z.string(),
  name: z.string(),
  tenant: z.string(),
  href: z.string(),
});

/** Schema: a change that takes long. */
export const operation = z.looseObject({
  id: z.string(),
  what: z.string(),
  status: z.enum(["running", "succeeded", "failed"]),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  startedMs: timeMs,
  endedMs: timeMs.nullable(),
});

/** Schema: what a change of the controllers would come to. */
export const changeCheck = z.looseObject({
  refused: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  lines: z.array(z.string()),
});

export const explanation = z.looseObject({ lines: z.array(z.string()) });

/** Schema: a rule about bandwidth, and what it comes to now; null: no bound. */
export const rate = z.looseObject({
  scope: z.string(),
  name: z.string(),
  bytesPerSecond: z.number().nullable(),
  windows: z.array(z.looseObject({
    days: z.array(z.string()),
    from: z.string(),
    to: z.string(),
    timeZone: z.string(),
    bytesPerSecond: z.number().nullable(),
  })),
  nowBytesPerSecond: z.number().nullable(),
  version: z.number(),
  changedMs: timeMs,
});
/** A rule about bandwidth. */
export type Rate = z.infer<typeof rate>;

/** Schema: an API key, without the key. */
export const apiKey = z.looseObject({
  id: z.string(),
  scope: z.enum(["viewer", "operator", "admin"]),
  tenants: z.array(z.string()).nullable(),
  label: z.string(),
  expiresMs: timeMs.nullable(),
  createdMs: timeMs,
});

export const madeKey = z.looseObject({
  id: z.string(),
  key: z.string().nullable(),
  scope: z.enum(["viewer", "operator", "admin"]),
  tenants: z.array(z.string()).nullable(),
  label: z.string(),
  expiresMs: timeMs.nullable(),
});

export const keptDefinition = z.looseObject({
  tenant: z.string(),
  name: z.string(),
  version: z.number(),
  href: z.string(),
});

export const inspection = z.looseObject({ tree: z.unknown() });

export const readiness = z.looseObject({
  ready: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean(), detail: z.string() }))
    .optional(),
});

/** A page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.looseObject({
    items: z.array(item),
    next: z.string().nullable(),
    incomplete: z.boolean().optional(),
  });
}

const head = {
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.string(),
  subject: z.string().optional(),
  time: z.string(),
  tenant: z.string().optional(),
  run: z.string().optional(),
  job: z.string().optional(),
  /** Of agents and the cluster: what has happened, as one word. */
  change: z.string().optional(),
};

/** Schema: a CloudEvent of the live feed, its data by its type. */
export const liveEvent = z.discriminatedUnion("type", [
  z.looseObject({ ...head, type: z.literal("dev.quorus.job.changed"), data: job }),
  z.looseObject({
    ...head,
    type: z.literal("dev.quorus.job.progress"),
    data: z.looseObject({ jobId: z.string(), runId: z.string(), progress }),
  }),
  z.looseObject({ ...head, type: z.literal("dev.quorus.run.changed"), data: run }),
  z.looseObject({ ...head, type: z.literal("dev.quorus.agent.changed"), data: agent }),
  z.looseObject({
    ...head,
    type: z.literal("dev.quorus.cluster.changed"),
    data: z.looseObject({ what: z.string(), node: z.string().nullable(), why: z.string() }),
  }),
  z.looseObject({
    ...head,
    type: z.literal("dev.quorus.missed"),
    data: z.looseObject({
      why: z.enum(["slow", "gone"]),
      count: z.number().nullable(),
      byType: counts,
      first: z.string().nullable(),
      last: z.string().nullable(),
    }),
  }),
]);

/** A job as it is shown. */
export type Job = z.infer<typeof job>;
/** A run as it is shown. */
export type Run = z.infer<typeof run>;
/** An agent as it is shown. */
export type Agent = z.infer<typeof agent>;
/** A workflow that is kept by name. */
export type Definition = z.infer<typeof definition>;
/** The cluster as one controller sees it. */
export type Cluster = z.infer<typeof cluster>;
/** A change that has been decided. */
export type Accepted = z.infer<typeof accepted>;
/** What a change of the controllers would come to. */
export type ChangeCheck = z.infer<typeof changeCheck>;
/** A change that takes long. */
export type Operation = z.infer<typeof operation>;
/** An API key, without the key. */
export type ApiKey = z.infer<typeof apiKey>;
/** What a job has moved. */
export type Progress = z.infer<typeof progress>;
/** A CloudEvent of the live feed. */
export type LiveEvent = z.infer<typeof liveEvent>;
