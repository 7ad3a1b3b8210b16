/** Reads: what a principal may see of the state, as one controller has it. */

import { rateAt } from "../bandwidth/rules.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { ArchiveStatus } from "../archive/messages.ts";
import type { ArchiveReader } from "../archive/reader.ts";
import type { Replica } from "../controller/replica.ts";
import { definitionKey, type State } from "../controller/state.ts";
import type { Board } from "../fleet/board.ts";
import type { Job } from "../job/record.ts";
import { withArchived } from "./archived.ts";
import { viewCluster } from "./cluster_view.ts";
import type { DESK_LIMITS } from "./limits.ts";
import { findList, type ListQuery } from "./lists.ts";
import type {
  Answer,
  ChangeCheck,
  Found,
  GroupChange,
  LookedUp,
  Principal,
  Query,
} from "./messages.ts";
import type { LeaderQuery } from "./passing_on.ts";
import { pageOf } from "./pages.ts";
import { sees, seesAll } from "./permissions.ts";
import { tenantNames, viewTenants } from "./tenant_views.ts";
import { viewAgent, viewDefinition, viewJob, viewRun } from "./views.ts";
import { failed } from "./writes.ts";

/** What reads work with. */
export interface ReadContext {
  readonly node: string;
  readonly replica: Replica;
  readonly archive: ArchiveReader;
  readonly archives: ReadonlyMap<string, ArchiveStatus>;
  readonly board: Board;
  readonly links: Pick<Links, "peers">;
  readonly ownCertificateUntilMs: () => number | null;
  readonly limits: LimitValues<typeof DESK_LIMITS>;
  /** Why a job waits; asked of who leads. */
  readonly explain: (job: Job) => Promise<readonly string[]>;
  /** What the leader says of the group; null where it is not to be asked, or does not answer. */
  readonly ofLeader: (query: LeaderQuery) => Promise<Found | null>;
  readonly judge: (change: GroupChange) => ChangeCheck;
  readonly inspect: () => unknown;
}

/** Answers a query; never rejects. */
export async function read(
  context: ReadContext,
  consistency: "linearizable" | "stale",
  principal: Principal,
  query: Query,
): Promise<Answer> {
  const { node, replica, limits } = context;
  try {
    const { state, index, atMs } = await replica.read(consistency, limits.readMs);
    const whole = await withArchived(state, query, context.archive);
    const found = await find(context, whole, principal, query);
    return { found, node, appliedIndex: index, appliedAtMs: atMs };
  } catch (error) {
    const { index, nowMs } = replica.state;
    const found: Found = { type: "none", ...unread(error, context) };
    return { found, node, appliedIndex: index, appliedAtMs: nowMs };
  }
}

/** Why the state could not be read. */
export function unread(
  error: unknown,
  context: Parameters<typeof failed>[1],
): NonNullable<LookedUp["refused"]> {
  const written = failed(error, context);
  if (written.ok) return { code: "notFound", message: "no nothing" };
  return {
    code: written.code === "unknownOutcome" ? "noQuorum" : written.code,
    message: `${written.message}; what this controller has can be read with consistency=stale`,
    ...(written.retryAfterMs === undefined ? {} : { retryAfterMs: written.retryAfterMs }),
  };
}

async function find(
  context: ReadContext,
  state: State,
  principal: Principal,
  query: Query,
): Promise<Found> {
  switch (query.type) {
    case "job":
    case "run":
      return findWork(context, state, principal, query);
    case "jobs":
    case "runs":
      return await findList(context, state, principal, query);
    case "explain": {
      const job = state.jobs.get(query.jobId);
      if (job === undefined || !sees(principal, job.tenant)) return none(`job ${query.jobId}`);
      return { type: "explain", lines: [...await context.explain(job)] };
    }
    case "definition":
    case "definitions":
      return findDefinition(state, principal, query);
    case "tenant":
    case "tenants":
      return findTenants(state, principal, query);
    default:
      if (!seesAll(principal)) return forbidden("the nodes of the cluster and its keys");
      if (query.type === "cluster" || query.type === "changeCheck") {
        return await findGroup(context, state, query);
      }
      return findNodes(context, state, query);
  }
}

/** The leader knows how far the others are; what it does not say is not known. */
async function findGroup(
  context: ReadContext,
  state: State,
  query: LeaderQuery,
): Promise<Found> {
  if (query.type === "changeCheck") {
    if (context.replica.isLeader) {
      return { type: "changeCheck", check: context.judge(query.change) };
    }
    return await context.ofLeader(query) ??
      { type: "none", code: "noQuorum", message: "nobody leads who could judge the change" };
  }
  const cluster = viewCluster(context, state);
  const told = context.replica.isLeader ? null : await context.ofLeader(query);
  if (told?.type !== "cluster") return { type: "cluster", cluster };
  const { controllers, gateways, agents, archives, certificatesEnding, degraded } = told.cluster;
  const known = { controllers, gateways, agents, archives, certificatesEnding, degraded };
  return { type: "cluster", cluster: { ...cluster, ...known } };
}

type WorkQuery = Extract<Query, { type: "job" | "run" }>;

function findWork(
  { board }: ReadContext,
  state: State,
  principal: Principal,
  query: WorkQuery,
): Found {
  switch (query.type) {
    case "job": {
      const job = state.jobs.get(query.jobId);
      if (job === undefined || !sees(principal, job.tenant)) return none(`job ${query.jobId}`);
      return { type: "job", job: viewJob(job, state.runs.get(job.runId), board) };
    }
    case "run": {
      const run = state.runs.get(query.runId);
      if (run === undefined || !sees(principal, run.tenant)) return none(`run ${query.runId}`);
      return { type: "run", run: viewRun(run, state) };
    }
  }
}

type DefinitionQuery = Extract<Query, { type: "definition" | "definitions" }>;

function findDefinition(state: State, principal: Principal, query: DefinitionQuery): Found {
  if (query.type === "definitions") {
    const page = pageOf(
      state.definitions,
      ({ tenant }) => sees(principal, tenant),
      query.after,
      query.limit,
    );
    return { type: "definitions", definitions: page.items.map(viewDefinition), next: page.next };
  }
  const { tenant, name } = query;
  const definition = state.definitions.get(definitionKey(tenant, name));
  if (definition === undefined || !sees(principal, tenant)) return none(`definition ${name}`);
  return { type: "definition", definition: viewDefinition(definition) };
}

type TenantQuery = Extract<Query, { type: "tenant" | "tenants" }>;

function findTenants(state: State, principal: Principal, query: TenantQuery): Found {
  if (query.type === "tenants") {
    const named = tenantNames(state).map((name) => [name, name] as const);
    const page = pageOf(named, (name) => sees(principal, name), query.after, query.limit);
    return { type: "tenants", tenants: viewTenants(state, page.items), next: page.next };
  }
  const { tenant } = query;
  if (!sees(principal, tenant)) return none(`tenant ${tenant}`);
  return { type: "tenant", tenant: viewTenants(state, [tenant])[0]! };
}

type NodeQuery = Exclude<
  Query,
  WorkQuery | ListQuery | DefinitionQuery | TenantQuery | LeaderQuery | { type: "explain" }
>;

function findNodes(context: ReadContext, state: State, query: NodeQuery): Found {
  const { board } = context;
  switch (query.type) {
    case "agent": {
      const agent = state.agents.get(query.agentId);
      if (agent === undefined) return none(`agent ${query.agentId}`);
      return { type: "agent", agent: viewAgent(agent, state, board) };
    }
    case "agents": {
      const page = pageOf(state.agents, () => true, query.after, query.limit);
      const agents = page.items.map((agent) => viewAgent(agent, state, board));
      return { type: "agents", agents, next: page.next };
    }
    case "rates": {
      const page = pageOf(state.rates, () => true, query.after, query.limit);
      const rates = page.items.map((rule) => ({
        ...rule,
        windows: [...rule.windows],
        nowBytesPerSecond: rateAt(rule, state.nowMs),
      }));
      return { type: "rates", rates, next: page.next };
    }
    case "inspect":
      return { type: "inspect", tree: context.inspect() };
    case "keys": {
      const page = pageOf(state.keys, () => true, query.after, query.limit);
      // Never the hash: whoever has it could look for the key.
      const keys = page.items.map(({ sha256: _, ...shown }) => shown);
      return { type: "keys", keys, next: page.next };
    }
  }
}

function none(what: string): Found {
  return { type: "none", code: "notFound", message: `no ${what}` };
}

function forbidden(what: string): Found {
  const message = `${what} are shown to keys that are not bound to tenants`;
  return { type: "none", code: "forbidden", message };
}
