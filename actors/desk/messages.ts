/**
 * What gateways ask of controllers: every controller has a `desk` actor, and takes everything. Writes go
 * to the leader through the group and are done exactly once per key; reads are answered by whoever is
 * asked. The desk trusts a gateway to have checked who is asking, and checks what they may do.
 */

import { z } from "zod";
import { ask, protocol } from "../../runtime/actor/protocol.ts";
import type { Plan, PlannedTransfer } from "../../workflows/plan.ts";
import { heartbeat, registration } from "../agent/registration.ts";
import { scope, tenantSettings } from "../controller/commands.ts";
import { RATE_SCOPES, rateName, rateSettings } from "../bandwidth/messages.ts";
import { origin } from "../controller/origin.ts";
import { progress } from "../job/messages.ts";
import { tenantUsage } from "../tenant/messages.ts";
import {
  type archiveView,
  changeCheck,
  clusterChangeView,
  clusterView,
  groupChange,
  refusalCode,
} from "./cluster/messages.ts";
import { setView } from "./set_view.ts";

/** Where the actor is, on every controller. */
export const DESK_PATH = "desk";

const plan = z.custom<Plan>((value) => typeof value === "object" && value !== null);
const transfer = z.custom<PlannedTransfer>((value) => typeof value === "object" && value !== null);
const timeMs = z.number();

/** Who is asking, as the gateway has found out. */
export const principal = z.object({
  keyId: z.string(),
  scope,
  /** The tenants that may be seen and acted for; null: all. */
  tenants: z.array(z.string()).nullable(),
});

const intent = z.enum(["run", "pause", "cancel"]);

/** Something to be done. */
export const writeRequest = z.discriminatedUnion("type", [
  /** Starts a run; its id is chosen by whoever asks, so that it is known whatever becomes of the answer. */
  z.object({ type: z.literal("submit"), runId: z.string(), plan }),
  /** Starts runs, all or none; `pieces`: so many parts of the plan were staged before, in order. */
  z.object({
    type: z.literal("submitAll"),
    runs: z.array(z.object({ runId: z.string(), plan, pieces: z.number().int().nonnegative() }))
      .min(1),
  }),
  /** Brings a part of a plan that is too large for one message; nobody sees it before its run starts. */
  z.object({
    type: z.literal("stage"),
    runId: z.string(),
    tenant: z.string(),
    number: z.number().int().nonnegative(),
    transfers: z.array(transfer),
    /** The level of each of them in the order of the run. */
    levels: z.array(z.number().int().nonnegative()),
  }),
  /** Tries again what has ended without success, as the run `runId`; archived ones too. */
  z.object({
    type: z.literal("retry"),
    of: z.object({ kind: z.enum(["run", "job"]), id: z.string() }),
    runId: z.string(),
  }),
  z.object({ type: z.literal("intendRun"), runId: z.string(), intent, why: z.string() }),
  z.object({ type: z.literal("intendJob"), jobId: z.string(), intent, why: z.string() }),
  /** Settles a job that is `unknown`. */
  z.object({
    type: z.literal("decide"),
    jobId: z.string(),
    published: z.boolean(),
    why: z.string(),
  }),
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
  z.object({
    type: z.literal("putKey"),
    id: z.string(),
    sha256: z.string(),
    scope,
    tenants: z.array(z.string()).nullable(),
    label: z.string(),
    expiresMs: z.number().nullable(),
  }),
  z.object({ type: z.literal("revokeKey"), id: z.string() }),
  /** Says what a tenant may do; null: what one may of whom nothing was said. */
  z.object({
    type: z.literal("configureTenant"),
    tenant: z.string().min(1),
    settings: tenantSettings.nullable(),
  }),
  /** Says how fast bytes may move there; null: as fast as they go. */
  z.object({
    type: z.literal("putRate"),
    scope: z.enum(RATE_SCOPES),
    name: rateName,
    settings: rateSettings.nullable(),
  }),
  z.object({
    type: z.literal("drainAgent"),
    agentId: z.string(),
    why: z.string(),
    untilMs: timeMs.nullable(),
  }),
  z.object({ type: z.literal("resumeAgent"), agentId: z.string(), why: z.string() }),
  z.object({ type: z.literal("deregisterAgent"), agentId: z.string(), why: z.string() }),
  ...groupChange.options,
]);

/** What became of a request. `index`: of the command that did it. */
export const written = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), index: z.number().int() }),
  z.object({
    ok: z.literal(false),
    code: refusalCode,
    message: z.string(),
    retryAfterMs: z.number().optional(),
  }),
]);

const errorView = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  definite: z.boolean(),
});

/** A job as it is shown; secrets are references still. */
export const jobView = z.object({
  id: z.string(),
  runId: z.string(),
  tenant: z.string(),
  name: z.string(),
  state: z.string(),
  /** Why it is in this state. */
  why: z.string(),
  intent,
  source: z.string(),
  destination: z.string(),
  attempts: z.number().int(),
  failures: z.number().int(),
  agent: z.string().nullable(),
  error: errorView.nullable(),
  receipt: z.record(z.string(), z.unknown()).nullable(),
  /** The last that was heard; null unless it runs, and on controllers that have just begun to lead. */
  progress: progress.nullable(),
  /** Absent where it is one file. */
  set: setView.optional(),
  labels: z.record(z.string(), z.string()),
  submittedMs: timeMs,
  startedMs: timeMs.nullable(),
  endedMs: timeMs.nullable(),
  /** The index of the last command that changed it: an ETag. */
  version: z.number().int(),
});

/** A run as it is shown. */
export const runView = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  why: z.string(),
  intent,
  labels: z.record(z.string(), z.string()),
  /** Number of transfers by state; those that are no job yet are `waiting`. */
  transfers: z.record(z.string(), z.number().int()),
  skipped: z.array(z.object({ name: z.string(), why: z.string(), failed: z.boolean() })),
  /** The run or job that it tries again. */
  retryOf: z.string().nullable(),
  createdMs: timeMs,
  endedMs: timeMs.nullable(),
  version: z.number().int(),
});

/** An agent as it is shown. */
export const agentView = z.object({
  id: z.string(),
  /** Of the state machine of agents, `working` and `idle` included. */
  status: z.string(),
  why: z.string(),
  registration,
  /** Jobs whose leases it has. */
  leases: z.number().int(),
  /** The leader's: null where it has not been heard of, and on other controllers. */
  heartbeat: heartbeat.nullable(),
  registeredMs: timeMs,
  changedMs: timeMs,
});

/** A rule about bandwidth; `nowBytesPerSecond`: what it comes to at this hour, null: no bound. */
export const rateView = rateSettings.extend({
  scope: z.enum(RATE_SCOPES),
  name: z.string(),
  version: z.number().int(),
  changedMs: timeMs,
  nowBytesPerSecond: z.number().nullable(),
});

export const definitionView = z.object({
  tenant: z.string(),
  name: z.string(),
  text: z.string(),
  version: z.number().int(),
  changedMs: timeMs,
});

/** A page of a list: `after` is the cursor that `next` of the page before gave. */
const page = {
  after: z.string().nullable(),
  limit: z.number().int().min(1).max(1_000),
};

/** True: segments of the archive are not on this controller, and what is in them is missing. */
const isIncomplete = z.boolean().optional();

/** `name` alone: it is there; with values: it is one of them. */
export const labelSelector = z.array(z.object({
  name: z.string(),
  values: z.array(z.string()).nullable(),
}));

/** Something to be looked up. */
export const query = z.discriminatedUnion("type", [
  z.object({ type: z.literal("job"), jobId: z.string() }),
  z.object({
    type: z.literal("jobs"),
    runId: z.string().nullable(),
    states: z.array(z.string()).nullable(),
    labels: labelSelector,
    ...page,
  }),
  z.object({ type: z.literal("run"), runId: z.string() }),
  z.object({
    type: z.literal("runs"),
    states: z.array(z.string()).nullable(),
    labels: labelSelector,
    ...page,
  }),
  z.object({ type: z.literal("agent"), agentId: z.string() }),
  z.object({ type: z.literal("agents"), ...page }),
  z.object({ type: z.literal("definition"), tenant: z.string(), name: z.string() }),
  z.object({ type: z.literal("definitions"), ...page }),
  z.object({ type: z.literal("tenant"), tenant: z.string() }),
  z.object({ type: z.literal("tenants"), ...page }),
  z.object({ type: z.literal("cluster") }),
  /** Why a job waits, runs where it runs, or has failed; asked of the leader. */
  z.object({ type: z.literal("explain"), jobId: z.string() }),
  /** The living tree of actors of this controller. */
  z.object({ type: z.literal("inspect") }),
  z.object({ type: z.literal("keys"), ...page }),
  z.object({ type: z.literal("rates"), ...page }),
  /** What a change of the group would come to; asked of the leader, and nothing is done. */
  z.object({ type: z.literal("changeCheck"), change: groupChange }),
]);

/** What was found, how fresh it is, and who says so. */
export const answer = z.object({
  found: z.discriminatedUnion("type", [
    z.object({ type: z.literal("job"), job: jobView }),
    z.object({
      type: z.literal("jobs"),
      jobs: z.array(jobView),
      next: z.string().nullable(),
      isIncomplete,
    }),
    z.object({ type: z.literal("run"), run: runView }),
    z.object({
      type: z.literal("runs"),
      runs: z.array(runView),
      next: z.string().nullable(),
      isIncomplete,
    }),
    z.object({ type: z.literal("agent"), agent: agentView }),
    z.object({
      type: z.literal("agents"),
      agents: z.array(agentView),
      next: z.string().nullable(),
    }),
    z.object({ type: z.literal("definition"), definition: definitionView }),
    z.object({
      type: z.literal("definitions"),
      definitions: z.array(definitionView),
      next: z.string().nullable(),
    }),
    z.object({ type: z.literal("cluster"), cluster: clusterView }),
    z.object({ type: z.literal("tenant"), tenant: tenantUsage }),
    z.object({
      type: z.literal("tenants"),
      tenants: z.array(tenantUsage),
      next: z.string().nullable(),
    }),
    z.object({ type: z.literal("explain"), lines: z.array(z.string()) }),
    z.object({ type: z.literal("inspect"), tree: z.unknown() }),
    z.object({
      type: z.literal("keys"),
      keys: z.array(z.object({
        id: z.string(),
        scope,
        tenants: z.array(z.string()).nullable(),
        label: z.string(),
        expiresMs: z.number().nullable(),
        createdMs: timeMs,
      })),
      next: z.string().nullable(),
    }),
    z.object({ type: z.literal("rates"), rates: z.array(rateView), next: z.string().nullable() }),
    z.object({ type: z.literal("changeCheck"), check: changeCheck }),
    /** Nothing there, not allowed to be seen, or not to be had fresh. */
    z.object({
      type: z.literal("none"),
      code: refusalCode,
      message: z.string(),
      retryAfterMs: z.number().optional(),
    }),
  ]),
  node: z.string(),
  appliedIndex: z.number().int(),
  /** The leader's clock at the last command that was applied here. */
  appliedAtMs: timeMs,
});

/** Questions by id for things that change often: what gateways gather and ask at once. */
export const lookups = z.object({
  consistency: z.enum(["linearizable", "stale"]),
  /** Who asks; each look names one by its place in this list. */
  principals: z.array(principal).min(1),
  looks: z.array(z.object({
    by: z.number().int().min(0),
    kind: z.enum(["job", "run"]),
    id: z.string(),
  })).min(1).max(1_000),
});

/** What they come to, all of one state. */
export const lookedUp = z.object({
  /**
   * In the order of the questions: the view as JSON, so that nobody parses it on its way to a client, and
   * its version; null: it is not in the state, or not for who asks: `read` says which.
   */
  looked: z.array(z.object({ text: z.string(), version: z.number().int() }).nullable()),
  /** Why nothing was looked up. */
  refused: z.object({
    code: refusalCode,
    message: z.string(),
    retryAfterMs: z.number().optional(),
  }).nullable(),
  node: z.string(),
  appliedIndex: z.number().int(),
  appliedAtMs: timeMs,
});

/**
 * One thing that has happened. `id` is the index of its command and a number within it: the same on every
 * controller, growing; progress has none, as it is not kept.
 */
export const liveEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("job"), id: z.string(), atMs: timeMs, job: jobView }),
  z.object({ type: z.literal("run"), id: z.string(), atMs: timeMs, run: runView }),
  z.object({
    type: z.literal("agent"),
    id: z.string(),
    atMs: timeMs,
    agent: agentView,
    /** joined, lost, back, draining, failed, left, or changed. */
    change: z.string(),
  }),
  z.object({ type: z.literal("cluster"), id: z.string(), atMs: timeMs, change: clusterChangeView }),
  z.object({
    type: z.literal("progress"),
    atMs: timeMs,
    jobId: z.string(),
    runId: z.string(),
    tenant: z.string(),
    labels: z.record(z.string(), z.string()),
    progress,
  }),
]);

/** What gateways ask of a controller. */
export const Desk = protocol("quorus.desk", {
  version: 1,
  messages: {
    /** `fingerprint`: hash of what the client has sent; another one under the same key is `keyReused`. */
    write: ask(
      z.object({
        key: z.string(),
        fingerprint: z.string().optional(),
        principal,
        request: writeRequest,
        /** The request of a client that this is part of: for logs and traces. */
        origin: origin.optional(),
        /** By a controller that does not lead; whoever gets it leads, or refuses. */
        isPassedOn: z.boolean().optional(),
      }),
      written,
    ),
    read: ask(
      z.object({
        consistency: z.enum(["linearizable", "stale"]),
        principal,
        query,
        isPassedOn: z.boolean().optional(),
      }),
      answer,
    ),
    lookUp: ask(lookups, lookedUp),
    /** Who has the key with this hash; null: nobody, or not any more. */
    authenticate: ask(z.object({ sha256: z.string() }), principal.nullable()),
    /**
     * What has happened after an event, oldest first; waits a while where there is nothing yet. `missed`:
     * events after `after` that nobody has any more. With `after` null it begins now.
     */
    events: ask(
      z.object({ after: z.string().nullable(), limit: z.number().int().min(1).max(1_000) }),
      z.object({ events: z.array(liveEvent), last: z.string(), missed: z.boolean() }),
    ),
  },
});

export type Principal = z.infer<typeof principal>;
export type WriteRequest = z.infer<typeof writeRequest>;
export type GroupChange = z.infer<typeof groupChange>;
export type ChangeCheck = z.infer<typeof changeCheck>;
export type Written = z.infer<typeof written>;
export type RefusalCode = z.infer<typeof refusalCode>;
export type Query = z.infer<typeof query>;
export type Answer = z.infer<typeof answer>;
export type Found = Answer["found"];
export type Lookups = z.infer<typeof lookups>;
export type LookedUp = z.infer<typeof lookedUp>;
export type JobView = z.infer<typeof jobView>;
export type RunView = z.infer<typeof runView>;
export type AgentView = z.infer<typeof agentView>;
export type ArchiveView = z.infer<typeof archiveView>;
export type ClusterChangeView = z.infer<typeof clusterChangeView>;
export type ClusterView = z.infer<typeof clusterView>;
export type DefinitionView = z.infer<typeof definitionView>;
export type LiveEvent = z.infer<typeof liveEvent>;
