/**
 * The reducer of runs that start together, all or none, and of plans that are too large for one command:
 * their parts are kept aside, where nobody sees them, until the command that starts them names them.
 */

import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Plan, PlannedTransfer } from "../../workflows/plan.ts";
import type { Job } from "../job/record.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { type Applied, type Effect, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import { newRun } from "./runs.ts";
import { type Run, type StagedPart, type State, withJob } from "./state.ts";

type StagingCommand = Command & { type: "stageRun" | "createRuns" | "dropStaged" };
type Wanted = (Command & { type: "createRuns" })["runs"][number];

const LIMITS = limitValues(ACTOR_LIMITS);

/** The state after a command about runs that start together. */
export function applyStaging(state: State, command: StagingCommand): Applied {
  switch (command.type) {
    case "stageRun":
      return stage(state, command);
    case "createRuns":
      return createRuns(state, command.runs);
    case "dropStaged":
      return dropStaged(state, command.beforeMs);
  }
}

function stage(state: State, command: Command & { type: "stageRun" }): Applied {
  const { type: _, ...part } = command;
  const { runId, number, tenant } = part;
  if (state.runs.has(runId)) return refuse(state, `run ${runId} exists`);
  const key = partKey(runId, number);
  const before = state.staged.get(key);
  if (before !== undefined && before.tenant !== tenant) {
    return refuse(state, `stage run ${runId}: it belongs to another tenant`);
  }
  if (before === undefined && state.staged.size >= LIMITS.stagedParts) {
    return refuse(
      state,
      `stage run ${runId}: ${LIMITS.stagedParts} parts of runs wait already (stagedParts); ` +
        "submit it again later",
    );
  }
  // Again under its number: whoever submits goes on after a failure, and nothing is there twice.
  const staged = state.staged.set(key, { ...part, stagedMs: state.nowMs });
  return { state: { ...state, staged }, effects: [], refused: [] };
}

function createRuns(state: State, wanted: readonly Wanted[]): Applied {
  let at = state;
  const effects: Effect[] = [];
  for (const one of wanted) {
    const parts = partsOf(at, one);
    if (typeof parts === "string") return refuse(state, parts);
    const run = { ...newRun(at, { ...one, plan: wholePlan(one.plan, parts) }), ...retried(one) };
    const kept = [...one.jobs, ...parts.flatMap(({ jobs }) => jobs)];
    const wrong = kept.find(({ runId, state }) => runId !== run.id || state !== "succeeded");
    if (wrong !== undefined) {
      return refuse(state, `start run ${run.id}: job ${wrong.id} is ${wrong.state}, not kept`);
    }
    const begun = { ...run, jobs: jobsByName(kept) };
    at = kept.reduce((next, job) => withJob(next, null, { ...job, version: at.index }), at);
    at = { ...at, runs: at.runs.set(run.id, begun), staged: withoutParts(at, one) };
    effects.push({ type: "runChanged", runId: run.id, run: begun });
  }
  return { state: at, effects, refused: [] };
}

/** The parts of a run in order, or why it cannot start. */
function partsOf(state: State, { runId, tenant, pieces }: Wanted): StagedPart[] | string {
  if (state.runs.has(runId)) return `run ${runId} exists`;
  const parts: StagedPart[] = [];
  for (let number = 0; number < pieces; number += 1) {
    const part = state.staged.get(partKey(runId, number));
    if (part?.tenant !== tenant) {
      return `start run ${runId}: part ${number} of ${pieces} is not there any more; submit it again`;
    }
    parts.push(part);
  }
  return parts;
}

function wholePlan(plan: Plan, parts: readonly StagedPart[]): Plan {
  if (parts.length === 0) return plan;
  const transfers: PlannedTransfer[] = [];
  const levels: string[][] = [];
  for (const part of parts) {
    part.transfers.forEach((transfer, index) => {
      transfers.push(transfer);
      (levels[part.levels[index] ?? 0] ??= []).push(transfer.name);
    });
  }
  return { ...plan, transfers, levels };
}

function retried({ retryOf, goesOn = false }: Wanted): Pick<Run, "retryOf" | "goesOn"> {
  if (retryOf === null) return {};
  return goesOn ? { retryOf, goesOn } : { retryOf };
}

function jobsByName(kept: readonly Job[]): Run["jobs"] {
  let jobs: Run["jobs"] = PersistentMap.empty();
  for (const { id, spec } of kept) jobs = jobs.set(spec.name, id);
  return jobs;
}

function withoutParts({ staged }: State, { runId, pieces }: Wanted): State["staged"] {
  let left = staged;
  for (let number = 0; number < pieces; number += 1) left = left.delete(partKey(runId, number));
  return left;
}

function dropStaged(state: State, beforeMs: number): Applied {
  let { staged } = state;
  for (const [key, { stagedMs }] of state.staged) {
    if (stagedMs < beforeMs) staged = staged.delete(key);
  }
  return { state: { ...state, staged }, effects: [], refused: [] };
}

function partKey(runId: string, number: number): string {
  return `${runId}/${number}`;
}
