/**
 * A client of a Quorus cluster for TypeScript and JavaScript: every endpoint as a typed method, failover
 * between gateways, writes that are repeated and done once, the live feed as an async iterator. It needs
 * `fetch` and web streams, and runs in Deno, Node, Bun and browsers.
 *
 * ```ts
 * import { quorusClient } from "@quorus/quorus/client";
 *
 * // In place of a gateway: a real one is named by `url` alone.
 * const run = {
 *   id: "nightly-1f2e", tenant: "default", name: "nightly", kind: "TransferGroup", state: "succeeded",
 *   why: "all transfers have succeeded", intent: "run", labels: {}, transfers: { succeeded: 2 },
 *   skipped: [], createdMs: 0, endedMs: 1_000, version: 7,
 * };
 * const fetch = async (url: string, init: RequestInit) =>
 *   url.endsWith("/v1/runs") && init.method === "POST"
 *     ? Response.json({ runs: [{ ...run, transfers: 2, href: `/v1/runs/${run.id}` }] })
 *     : Response.json(run);
 *
 * const quorus = quorusClient({ url: ["http://g1:8080", "http://g2:8080"], key: "qk_...", fetch });
 * for (const { id } of await quorus.runs.submit({ workflow: "kind: TransferGroup\n..." })) {
 *   const { state } = await quorus.runs.get(id);
 *   console.assert(state === "succeeded");
 * }
 * ```
 *
 * Follow what happens; where the stream breaks it goes on by itself, and tells what was missed:
 *
 * ```ts ignore
 * for await (const event of quorus.watch({ labels: "tier=gold" })) {
 *   if (event.type === "dev.quorus.job.changed") console.log(event.data.name, event.data.state);
 * }
 * ```
 *
 * @module
 */

export { quorusClient } from "./client/client.ts";
export type { ClientOptions, QuorusClient } from "./client/client.ts";
export { ClientError } from "./client/errors.ts";
export type { ClientErrorCode, ClientErrorFacts, ProblemPart } from "./client/errors.ts";
export type { Fetch, Host, HostOptions } from "./client/host.ts";
export { CLIENT_LIMITS } from "./client/limits.ts";
export type { ClientLimits } from "./client/limits.ts";
export type { CallOptions } from "./client/transport.ts";
export type { ActionOptions, ListOptions, Page, ReadOptions } from "./client/endpoint.ts";
export type { Bindings, Submission } from "./client/submission.ts";
export type { WatchOptions } from "./client/watch.ts";
export type { WorkCalls, WorkListOptions } from "./client/work.ts";
export type { JobCalls, JobListOptions, StartedJob } from "./client/jobs.ts";
export type { RunCalls, RunListOptions, StartedRun } from "./client/runs.ts";
export type {
  DefinitionCalls,
  KeptDefinition,
  TenantOptions,
  VersionOptions,
} from "./client/definitions.ts";
export type { AgentCalls, DrainOptions } from "./client/agents.ts";
export type { ClusterCalls, ClusterChange, Readiness } from "./client/cluster.ts";
export type { RateCalls, RateScope, RateSettings, RateWindow } from "./client/rates.ts";
export type { TenantCalls, TenantSettings } from "./client/tenants.ts";
export type { KeyCalls, MadeKey, NewKey } from "./client/keys.ts";
export type {
  Accepted,
  Agent,
  ApiKey,
  ChangeCheck,
  Cluster,
  Definition,
  Job,
  LiveEvent,
  Operation,
  Progress,
  Rate,
  Run,
  Tenant,
} from "./client/schemas.ts";

// The schemas behind them, for whoever keeps or forwards answers.
export {
  accepted as acceptedSchema,
  agent as agentSchema,
  apiKey as apiKeySchema,
  changeCheck as changeCheckSchema,
  cluster as clusterSchema,
  definition as definitionSchema,
  job as jobSchema,
  liveEvent as liveEventSchema,
  operation as operationSchema,
  progress as progressSchema,
  rate as rateSchema,
  run as runSchema,
  tenant as tenantSchema,
} from "./client/schemas.ts";
