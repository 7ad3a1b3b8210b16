/** Writes: what a principal asks for becomes a command, or a change of the controllers' own group. */

import { errorData, QuorusError } from "../../runtime/base/errors.ts";
import { DiskError, KvError } from "../../runtime/env/errors.ts";
import { RaftError } from "../../runtime/raft/errors.ts";
import { canonicalJson } from "../../workflows/digest.ts";
import type { ArchiveReader } from "../archive/reader.ts";
import type { Command } from "../controller/commands.ts";
import { GOING_ON, versionOf } from "../controller/entry_version.ts";
import type { Origin } from "../controller/origin.ts";
import { type Replica, ReplicaError } from "../controller/replica.ts";
import { definitionKey, type State } from "../controller/state.ts";
import { archivedIdOf, nothingOf } from "./archived_ids.ts";
import type { DESK_LIMITS } from "./limits.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import { type ChangeContext, changeGroup, isGroupChange } from "./group_changes.ts";
import type { GroupChange, Principal, RefusalCode, WriteRequest, Written } from "./messages.ts";
import { mayNot, sees } from "./permissions.ts";
import { retryPlan, type RetryRequest } from "./retrying.ts";
import { firstJobs } from "../workflow/first_jobs.ts";

/** What writes work with. */
export interface WriteContext extends ChangeContext {
  readonly replica: Replica;
  readonly archive: Pick<ArchiveReader, "get" | "getByJob">;
  readonly limits: LimitValues<typeof DESK_LIMITS>;
  /** Has the leader change the group; refused where nobody is known to lead. */
  readonly passOn: (change: GroupChange) => Promise<Written>;
}

/** What may come beside a request. */
export interface WriteFacts {
  readonly fingerprint?: string | undefined;
  readonly origin?: Origin | undefined;
}

/** Does what is asked, once per principal and key; never rejects. */
export async function write(
  context: WriteContext,
  key: string,
  principal: Principal,
  request: WriteRequest,
  { fingerprint, origin }: WriteFacts = {},
): Promise<Written> {
  const forbidden = mayNot(principal, request);
  if (forbidden !== null) return refusal("forbidden", forbidden);
  try {
    if (isGroupChange(request)) {
      if (context.replica.isLeader) return await changeGroup(context, request);
      return await context.passOn(request);
    }
    const once = { key: `${principal.keyId}/${key}`, fingerprint, origin };
    if (request.type === "retry") return await retry(context, once, principal, request);
    return await commit(context, once, principal, request);
  } catch (error) {
    return failed(error, context);
  }
}

type CommandRequest = Exclude<WriteRequest, GroupChange | RetryRequest>;

/** Another run, with what was kept of the one that it tries again. */
async function retry(
  { replica, archive, limits }: WriteContext,
  { key, fingerprint, origin }: WriteFacts & { readonly key: string },
  principal: Principal,
  request: RetryRequest,
): Promise<Written> {
  const { state } = await replica.read("linearizable", limits.readMs);
  const plan = await retryPlan(state, archive, principal, request, limits.partBytes);
  if ("code" in plan) return refusal(plan.code, plan.message);
  const { writeMs: withinMs } = limits;
  for (const part of plan.parts) {
    const { refused } = await replica.commit(part, { withinMs });
    // The run is there: this is the same request again.
    if (refused.length > 0) break;
  }
  const once = { key, withinMs, fingerprint: fingerprint ?? canonicalJson(request) };
  const run = {
    ...plan.run,
    // Controllers of an earlier version would not know what to do with it.
    ...(replica.version < GOING_ON ? {} : { goesOn: true }),
    ...(origin === undefined ? {} : { origin }),
  };
  const { index, refused } = await replica.commit({ type: "createRuns", runs: [run] }, once);
  return refused.length === 0 ? { ok: true, index } : refusal("conflict", refused.join("; "));
}

async function commit(
  { replica, limits, archive }: WriteContext,
  { key, fingerprint, origin }: WriteFacts & { readonly key: string },
  principal: Principal,
  request: CommandRequest,
): Promise<Written> {
  const absent = notThere(await stateFor(request, replica, limits), principal, request);
  if (absent !== null) return absent;
  const command = commandOf(request, origin);
  const archived = await archivedIdOf(request, replica.state, archive);
  const made = archived === null ? begun(command, replica) : nothingOf(archived);
  const { index, refused } = await replica.commit(made, {
    key,
    withinMs: limits.writeMs,
    // Without its origin: another try of the same request has another span.
    fingerprint: fingerprint ?? canonicalJson(commandOf(request, undefined)),
    trace: origin?.traceparent,
  });
  if (refused.length === 0) return { ok: true, index };
  if (archived !== null) {
    return refusal("conflict", `run ${archived} exists: it has ended, and is in the archive`);
  }
  const { state } = await replica.read("linearizable", limits.readMs);
  return refusal(isThere(state, request) ? "conflict" : "notFound", refused.join("; "));
}

/** A run with the jobs that begin at once, where all controllers know how to. */
function begun(command: Command, { version }: Replica): Command {
  if (command.type !== "createRun" || version < versionOf("startRun")) return command;
  const jobs = firstJobs(command.runId, command.plan);
  return jobs.length === 0 ? command : { ...command, type: "startRun", jobs };
}

/** What tells whose thing a request is about: those that say it themselves need no round of the quorum. */
async function stateFor(
  request: CommandRequest,
  replica: Replica,
  limits: WriteContext["limits"],
): Promise<State> {
  if (!ABOUT_A_THING.has(request.type)) return replica.state;
  return (await replica.read("linearizable", limits.readMs)).state;
}

/** Requests about what the state alone gives a tenant to. */
const ABOUT_A_THING: ReadonlySet<CommandRequest["type"]> = new Set<CommandRequest["type"]>([
  "intendRun",
  "intendJob",
  "decide",
]);

/** Requests that name a tenant themselves: that it is not theirs is no news to whoever asks. */
const SAYS_TENANT: ReadonlySet<CommandRequest["type"]> = new Set<CommandRequest["type"]>([
  "submit",
  "stage",
  "putDefinition",
]);

/** Whether what a refused request is about was there at all. */
function isThere(state: State, request: CommandRequest): boolean {
  switch (request.type) {
    case "revokeKey":
      return state.keys.has(request.id);
    case "drainAgent":
    case "resumeAgent":
    case "deregisterAgent":
      return state.agents.has(request.agentId);
    case "deleteDefinition":
      return state.definitions.has(definitionKey(request.tenant, request.name));
    default:
      return true;
  }
}

/** A thing of another tenant is not there. */
function notThere(state: State, principal: Principal, request: CommandRequest): Written | null {
  if (request.type === "submitAll") {
    const other = request.runs.find(({ plan }) => !sees(principal, plan.tenant));
    if (other === undefined) return null;
    return refusal("forbidden", `this key is not for tenant "${other.plan.tenant}"`);
  }
  const found = ofTenant(state, request);
  if (found === null || (found.tenant !== undefined && sees(principal, found.tenant))) return null;
  if (SAYS_TENANT.has(request.type)) {
    return refusal("forbidden", `this key is not for tenant "${found.tenant}"`);
  }
  return refusal("notFound", `no ${found.what}`);
}

/** Whose thing a request is about; `tenant` is undefined if there is no such thing, null: nobody's. */
function ofTenant(
  state: State,
  request: CommandRequest,
): { readonly what: string; readonly tenant: string | undefined } | null {
  switch (request.type) {
    case "submit":
      return { what: "run", tenant: request.plan.tenant };
    case "stage":
      return { what: "run", tenant: request.tenant };
    case "intendRun":
      return { what: `run ${request.runId}`, tenant: state.runs.get(request.runId)?.tenant };
    case "intendJob":
    case "decide":
      return { what: `job ${request.jobId}`, tenant: state.jobs.get(request.jobId)?.tenant };
    case "putDefinition":
    case "deleteDefinition":
      return { what: `definition ${request.name}`, tenant: request.tenant };
    default:
      return null;
  }
}

function commandOf(request: CommandRequest, origin: Origin | undefined): Command {
  const from = origin === undefined ? {} : { origin };
  switch (request.type) {
    case "submit": {
      const { runId, plan } = request;
      return { type: "createRun", runId, tenant: plan.tenant, plan, ...from };
    }
    case "submitAll":
      return {
        type: "createRuns",
        runs: request.runs.map((one) => ({
          ...one,
          ...from,
          tenant: one.plan.tenant,
          jobs: [],
          retryOf: null,
        })),
      };
    case "stage":
      return { ...request, type: "stageRun", jobs: [] };
    case "intendRun":
    case "putDefinition":
    case "deleteDefinition":
    case "revokeKey":
    case "configureTenant":
    case "putRate":
      return request;
    case "intendJob": {
      const { jobId, intent, why } = request;
      return { type: "jobEvent", jobId, event: { type: "intend", intent, why } };
    }
    case "decide": {
      const { jobId, published, why } = request;
      return { type: "jobEvent", jobId, event: { type: "decide", published, why } };
    }
    case "putKey": {
      const { type, ...key } = request;
      return { type, key };
    }
    case "drainAgent": {
      const { agentId: agent, why, untilMs } = request;
      return { type: "agentEvent", agent, event: { type: "drain", why, untilMs } };
    }
    case "resumeAgent":
      return {
        type: "agentEvent",
        agent: request.agentId,
        event: { type: "resume", why: request.why },
      };
    case "deregisterAgent":
      return {
        type: "agentEvent",
        agent: request.agentId,
        event: { type: "deregister", why: request.why },
      };
  }
}

/** Something was not done, and why. */
export function refusal(code: RefusalCode, message: string, retryAfterMs?: number): Written {
  return retryAfterMs === undefined
    ? { ok: false, code, message }
    : { ok: false, code, message, retryAfterMs };
}

/** What an error of the group means to who asked. */
export function failed(
  error: unknown,
  { limits }: { readonly limits: Pick<WriteContext["limits"], "retryAfterMs"> },
): Written {
  if (error instanceof ReplicaError && error.code === "keyReused") {
    return refusal("keyReused", error.message);
  }
  if (error instanceof QuorusError && !error.definite) {
    return refusal("unknownOutcome", error.message, limits.retryAfterMs);
  }
  // The request is well, the disk of this controller is not: another one may do it.
  const isOwnDisk = error instanceof DiskError || error instanceof KvError;
  if (isOwnDisk || (error instanceof RaftError && error.retryable)) {
    return refusal("noQuorum", error.message, limits.retryAfterMs);
  }
  return refusal("invalid", errorData(error).message);
}
