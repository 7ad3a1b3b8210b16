/**
 * `apply(state, command)`: the one pure function that every replica runs over the log.
 *
 * It re-validates whatever its proposer believed, asks for nothing (time is in the entry) and returns
 * hints of what should now happen. Hints are never replayed: a restarted controller derives what is
 * to be done from the state (`reconcile`).
 */

import { unreachable } from "../../runtime/base/assert.ts";
import { type JobEvent, lifecycle, type Refusal } from "../job/lifecycle.ts";
import type { Job } from "../job/record.ts";
import { applyAgent, heldBy } from "./agents.ts";
import { applyArchive } from "./archive.ts";
import { assigned } from "./assign.ts";
import type { Command, LogEntry } from "./commands.ts";
import { applyCluster } from "./cluster.ts";
import { applyConfiguration } from "./configuration.ts";
import { forgetting, putLedger, recalled, remembering, whyNotRemembered } from "./ledgers.ts";
import { putRate } from "./rates.ts";
import { applyRun, endWithJob } from "./runs.ts";
import { applyStaging } from "./staging.ts";
import { applyTenant } from "./tenants.ts";
import { type Applied, type Effect, refuse } from "./applied.ts";
import { type State, withJob } from "./state.ts";

/** The state after the entry at `index`; `term` is that of its leader, where there is one. */
export function apply(state: State, entry: LogEntry, index: number, term?: number): Applied {
  const nowMs = Math.max(state.nowMs, entry.atMs);
  const { command } = entry;
  const next = { ...state, index, nowMs };
  if (command.type === "assignJobs" && command.term !== undefined && command.term !== term) {
    return refuse(next, `assign: the scheduler of term ${command.term} does not lead any more`);
  }
  if (command.type === "noteCluster" && command.term !== term) {
    return refuse(next, `note: the controller of term ${command.term} does not lead any more`);
  }
  return applyCommand(next, command);
}

function applyCommand(state: State, command: Command): Applied {
  switch (command.type) {
    case "createRun":
    case "startRun":
    case "submitJobs":
    case "endRun":
      return applyRun(state, command);
    case "createRuns":
    case "stageRun":
    case "dropStaged":
      return applyStaging(state, command);
    case "assignJobs":
      return each(
        state,
        command.assignments,
        (at, assignment) =>
          changeJob(at, assignment.jobId, (job) => assigned(at, job, assignment, command.slots)),
      );
    case "jobEvent":
      return jobEvent(state, command.jobId, command.event);
    case "jobEvents":
      return jobEvents(state, command.events);
    case "releaseAgent":
      return each(
        state,
        heldBy(state, command.agent),
        (at, job) =>
          job.lease === null ? unchanged(at) : jobEvent(at, job.id, {
            type: "release",
            lease: job.lease,
            why: command.why,
          }),
      );
    case "intendRun":
      return intendRun(state, command);
    case "agentEvent":
      return applyAgent(state, command.agent, command.event);
    case "configureTenant":
    case "admitJobs":
      return applyTenant(state, command);
    case "putRate":
      return putRate(state, command);
    case "putLedger":
      return putLedger(state, command);
    case "archiveRuns":
    case "sealSegment":
    case "dropSegments":
      return applyArchive(state, command);
    case "noteCluster":
      return applyCluster(state, command);
    case "putDefinition":
    case "deleteDefinition":
    case "putKey":
    case "revokeKey":
      return applyConfiguration(state, command);
    default:
      return unreachable(command, "unknown command");
  }
}

/** Pausing or resuming a run changes what its jobs are to do, and what later jobs of it are. */
function intendRun(state: State, command: Command & { type: "intendRun" }): Applied {
  const run = state.runs.get(command.runId);
  if (run === undefined) return refuse(state, `no run ${command.runId}`);
  const cancels = command.intent === "cancel";
  if (run.intent === "cancel" && !cancels) {
    return refuse(state, `${command.intent}: run ${run.id} is being cancelled`);
  }
  const intent = { type: "intend", intent: command.intent, why: command.why } as const;
  const intended = { ...run, intent: command.intent, version: state.index };
  const runs = state.runs.set(run.id, intended);
  const open = [...run.jobs.values()].filter((jobId) => {
    const job = state.jobs.get(jobId);
    // One that is being cancelled by itself goes on to its end.
    return job !== undefined && job.endedMs === null && (cancels || job.intent !== "cancel");
  });
  const applied = each({ ...state, runs }, open, (at, jobId) => jobEvent(at, jobId, intent));
  return {
    ...applied,
    effects: [...applied.effects, { type: "runChanged", runId: run.id, run: intended }],
  };
}

function jobEvent(state: State, jobId: string, event: JobEvent): Applied {
  if (event.type === "files") return filesEvent(state, jobId, event);
  if (event.type === "recall") return recallEvent(state, jobId, event);
  return endWithJob(changeJob(state, jobId, (job) => lifecycle(job, event, state.nowMs)), jobId);
}

/** What a set has published goes into its ledger in the same step: none is forgotten, none twice. */
function filesEvent(state: State, jobId: string, event: JobEvent & { type: "files" }): Applied {
  const before = state.jobs.get(jobId);
  const at = before === undefined ? state : forgetting(state, before);
  const applied = changeJob(at, jobId, (job) => {
    const next = lifecycle(job, event, at.nowMs);
    if ("refused" in next || next === job) return next;
    const why = whyNotRemembered(at, job, event);
    return why === null ? next : { refused: why };
  });
  if (before === undefined || applied.effects.length === 0) return applied;
  return { ...applied, state: remembering(applied.state, before, event) };
}

function recallEvent(state: State, jobId: string, event: JobEvent & { type: "recall" }): Applied {
  const job = state.jobs.get(jobId);
  if (job === undefined) return refuse(state, `no job ${jobId}`);
  const next = lifecycle(job, event, state.nowMs);
  if ("refused" in next) return refuse(state, next.refused);
  return { state, effects: [], refused: recalled(state, job, event.versions) };
}

function jobEvents(
  state: State,
  events: (Command & { type: "jobEvents" })["events"],
): Applied {
  const refusedAt: number[] = [];
  const applied = each(state, [...events.entries()], (at, [place, { jobId, event }]) => {
    const one = jobEvent(at, jobId, event);
    for (const _ of one.refused) refusedAt.push(place);
    return one;
  });
  return refusedAt.length === 0 ? applied : { ...applied, refusedAt };
}

function changeJob(state: State, jobId: string, change: (job: Job) => Job | Refusal): Applied {
  const before = state.jobs.get(jobId);
  if (before === undefined) return refuse(state, `no job ${jobId}`);
  const changed = change(before);
  if ("refused" in changed) return refuse(state, changed.refused);
  // A report that was taken before.
  if (changed === before) return unchanged(state);
  const job = { ...changed, version: state.index };
  return {
    state: withJob(state, before, job),
    effects: [{ type: "jobChanged", job, before }],
    refused: [],
  };
}

function each<T>(
  state: State,
  items: readonly T[],
  step: (at: State, item: T) => Applied,
): Applied {
  let at = state;
  const effects: Effect[] = [];
  const refused: string[] = [];
  for (const item of items) {
    const applied = step(at, item);
    at = applied.state;
    effects.push(...applied.effects);
    refused.push(...applied.refused);
  }
  return { state: at, effects, refused };
}

function unchanged(state: State): Applied {
  return { state, effects: [], refused: [] };
}
