/** The reducer of runs: a run is created with its plan, its ready transfers become jobs, it ends once. */

import type { Job, JobIntent } from "../job/record.ts";
import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import { errorData } from "../../runtime/base/errors.ts";
import { resolveTransfer } from "../../workflows/resolve.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { NEW_SET } from "../set/record.ts";
import { assigned, mayStart } from "./assign.ts";
import { goingOn, leftFor, withoutLeft } from "./going_on.ts";
import { type Applied, type Effect, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import { type Run, type State, withJob } from "./state.ts";
import { hasRoom } from "./tenants.ts";

type Submission = (Command & { type: "submitJobs" })["jobs"][number];
type RunCommand = Command & { type: "createRun" | "startRun" | "submitJobs" | "endRun" };

/** The state after a command about a run. */
export function applyRun(state: State, command: RunCommand): Applied {
  switch (command.type) {
    case "createRun":
      return createRun(state, command);
    case "startRun":
      return startRun(state, command);
    case "submitJobs":
      return submitJobs(state, command);
    case "endRun":
      return endRun(state, command);
  }
}

function createRun(state: State, command: Command & { type: "createRun" }): Applied {
  if (state.runs.has(command.runId)) return refuse(state, `run ${command.runId} exists`);
  return changed(state, newRun(state, command), []);
}

/** What cannot become a job is noted in the run: it is there, whatever becomes of its transfers. */
function startRun(state: State, command: Command & { type: "startRun" }): Applied {
  const { runId, plan, jobs } = command;
  if (state.runs.has(runId)) return refuse(state, `run ${runId} exists`);
  const run = newRun(state, command);
  const endsWithJob = plan.transfers.length === 1 && plan.onSuccess.length === 0;
  const begun = endsWithJob ? { ...run, endsWithJob } as const : run;
  return { ...submitAll(state, begun, { jobs, skipped: [] }), refused: [] };
}

/** A run that begins now. */
export function newRun(
  state: State,
  { runId, tenant, plan, origin }: Omit<Command & { type: "createRun" }, "type">,
): Run {
  return {
    id: runId,
    tenant,
    plan,
    ...(origin === undefined ? {} : { origin }),
    state: "running",
    why: "created",
    intent: "run",
    jobs: PersistentMap.empty(),
    skipped: PersistentMap.empty(),
    createdMs: state.nowMs,
    endedMs: null,
    version: state.index,
  };
}

type Submissions =
  & Pick<Command & { type: "submitJobs" }, "jobs" | "skipped">
  & Partial<Pick<Command & { type: "submitJobs" }, "slots">>;

function submitJobs(state: State, command: Command & { type: "submitJobs" }): Applied {
  const run = openRun(state, command.runId);
  return typeof run === "string" ? refuse(state, run) : submitAll(state, run, command);
}

function submitAll(state: State, run: Run, command: Submissions): Applied {
  let { jobs, skipped } = run;
  let at = state;
  const effects: Effect[] = [];
  const rejected: string[] = [];
  for (const wanted of command.jobs) {
    const { name, spec, why } = specOf(run, wanted);
    if (spec === null) {
      rejected.push(why);
      if (name !== null && !jobs.has(name)) skipped = skipped.set(name, { why, failed: true });
      continue;
    }
    if (jobs.has(spec.name) || at.jobs.has(wanted.jobId)) {
      rejected.push(`transfer "${spec.name}" of run ${run.id} has a job already`);
      continue;
    }
    const fresh = submitted(at, run, wanted.jobId, spec);
    const left = leftFor(at, run, fresh);
    const job = begun(at, left === null ? fresh : goingOn(fresh, left), wanted, command.slots);
    jobs = jobs.set(spec.name, wanted.jobId);
    at = withJob(at, null, job);
    effects.push({ type: "jobChanged", job, before: null });
    if (left === null) continue;
    const emptied = withoutLeft(left, at.index);
    at = withJob(at, left, emptied);
    effects.push({ type: "jobChanged", job: emptied, before: left });
  }
  for (const { name, why, failed } of command.skipped) {
    skipped = skipped.set(name, { why, failed });
  }
  const applied = changed(at, { ...run, jobs, skipped }, effects);
  return { ...applied, refused: rejected };
}

/** What is submitted: told by the command, or found in the plan; or why there is no such thing. */
function specOf(
  run: Run,
  wanted: Submission,
): { name: string | null; spec: TransferSpec | null; why: string } {
  if (!("transfer" in wanted)) return { name: wanted.spec.name, spec: wanted.spec, why: "" };
  const planned = run.plan.transfers[wanted.transfer];
  if (planned === undefined) {
    const why = `run ${run.id} has no transfer ${wanted.transfer} for job ${wanted.jobId}`;
    return { name: null, spec: null, why };
  }
  try {
    return { name: planned.name, spec: resolveTransfer(planned, {}), why: "" };
  } catch (thrown) {
    return { name: planned.name, spec: null, why: errorData(thrown).message };
  }
}

/** The job under its first lease, where an agent was named that can take it at once. */
function begun(
  state: State,
  job: Job,
  { agent }: Submission,
  slots: (Command & { type: "submitJobs" })["slots"],
): Job {
  if (agent === undefined || !mayStart(state, job, agent, slots)) return job;
  const leased = assigned(state, job, { jobId: job.id, agent }, slots);
  return "refused" in leased ? job : leased;
}

/** What becomes of a job whose run was paused or cancelled while it was being submitted. */
const FIRST_STATE: Readonly<Record<JobIntent, readonly [Job["state"], string]>> = {
  run: ["queued", "waiting for a free slot"],
  pause: ["paused", "the run is paused"],
  cancel: ["cancelled", "the run was cancelled"],
};

const NOT_ADMITTED: typeof FIRST_STATE[JobIntent] = [
  "submitted",
  "waiting until its tenant has room in the queue",
];

/** Admitted at once, unless its tenant's part of the queue is full. */
function submitted(state: State, run: Run, jobId: string, spec: TransferSpec): Job {
  const [begins, why] = run.intent === "run" && !hasRoom(state, run.tenant)
    ? NOT_ADMITTED
    : FIRST_STATE[run.intent];
  return {
    id: jobId,
    tenant: run.tenant,
    runId: run.id,
    spec,
    state: begins,
    why,
    intent: run.intent,
    attempts: 0,
    failures: 0,
    lease: null,
    adoptable: [],
    stale: [],
    progressed: null,
    ...(spec.set === undefined ? {} : { set: NEW_SET }),
    grant: null,
    error: null,
    receipt: null,
    retryAtMs: null,
    submittedMs: state.nowMs,
    startedMs: null,
    endedMs: begins === "cancelled" ? state.nowMs : null,
    version: state.index,
  };
}

function endRun(state: State, command: Command & { type: "endRun" }): Applied {
  const run = openRun(state, command.runId);
  if (typeof run === "string") return refuse(state, run);
  for (const jobId of run.jobs.values()) {
    const job = state.jobs.get(jobId);
    if (job !== undefined && job.endedMs === null && job.state !== "unknown") {
      return refuse(state, `run ${run.id} cannot end: job ${job.id} is ${job.state}`);
    }
  }
  return changed(state, {
    ...run,
    state: command.outcome,
    why: command.why,
    endedMs: state.nowMs,
  }, []);
}

/** A run that has nothing to do after its one job is over with the command that says that it succeeded. */
export function endWithJob(applied: Applied, jobId: string): Applied {
  const { state } = applied;
  const job = state.jobs.get(jobId);
  if (job?.state !== "succeeded" || applied.effects.length === 0) return applied;
  const run = state.runs.get(job.runId);
  if (run?.endsWithJob !== true || run.state !== "running" || run.intent === "cancel") {
    return applied;
  }
  const why = ENDED_WELL;
  const ended = { ...run, state: "succeeded", why, endedMs: state.nowMs } as const;
  return changed(state, ended, applied.effects);
}

/** What is said of a run that has succeeded. */
export const ENDED_WELL = "all transfers have ended well";

function openRun(state: State, runId: string): Run | string {
  const run = state.runs.get(runId);
  if (run === undefined) return `no run ${runId}`;
  return run.state === "running" ? run : `run ${runId} has ${run.state}`;
}

function changed(state: State, next: Run, effects: readonly Effect[]): Applied {
  const run = { ...next, version: state.index };
  return {
    state: { ...state, runs: state.runs.set(run.id, run) },
    effects: [...effects, { type: "runChanged", runId: run.id, run }],
    refused: [],
  };
}
