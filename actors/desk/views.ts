/** What is shown of runs, jobs, agents and the cluster, as pure functions of the state. */

import type { AgentRecord } from "../agent/record.ts";
import type { Definition, Run, State } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import type { Board } from "../fleet/board.ts";
import type { AgentView, DefinitionView, JobView, RunView } from "./messages.ts";
import { viewSet } from "./set_view.ts";

/** A job as it is shown; of its run, the labels. */
export function viewJob(
  job: Job,
  run: { readonly plan: Pick<Run["plan"], "labels"> } | undefined,
  board: Pick<Board, "progress">,
): JobView {
  const { id, runId, tenant, spec, state, why, intent, attempts, failures, error, receipt } = job;
  return {
    ...{ id, runId, tenant, name: spec.name, state, why, intent },
    source: spec.source.uri,
    destination: spec.destination.uri,
    ...{ attempts, failures },
    agent: job.lease?.agent ?? null,
    error: error === null ? null : {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      definite: error.definite,
    },
    receipt: receipt === null ? null : { ...receipt },
    progress: job.lease === null ? null : board.progress(id)?.progress ?? null,
    ...(job.set === undefined ? {} : { set: viewSet(job.set) }),
    labels: run?.plan.labels ?? {},
    submittedMs: job.submittedMs,
    startedMs: job.startedMs,
    endedMs: job.endedMs,
    version: job.version,
  };
}

/** Where jobs are looked up: a state, or a few of them. */
export interface JobsById {
  readonly jobs: { get(jobId: string): Pick<Job, "state"> | undefined };
}

/** A run as it is shown; its jobs are looked up in `jobs`. */
export function viewRun(
  run: Run,
  { jobs }: JobsById,
): RunView {
  const { id, tenant, plan, why, intent, createdMs, endedMs, version } = run;
  const transfers: Record<string, number> = {};
  const count = (name: string, more: number) => {
    if (more > 0) transfers[name] = (transfers[name] ?? 0) + more;
  };
  for (const jobId of run.jobs.values()) count(jobs.get(jobId)?.state ?? "archived", 1);
  const skipped = [...run.skipped].map(([name, one]) => ({ name, ...one }));
  for (const { failed } of skipped) count(failed ? "failed" : "skipped", 1);
  count("waiting", plan.transfers.length - run.jobs.size - skipped.length);
  return {
    ...{ id, tenant, name: plan.name, kind: plan.kind, state: run.state, why, intent },
    labels: plan.labels,
    ...{ transfers, skipped, retryOf: run.retryOf ?? null, createdMs, endedMs, version },
  };
}

/** An agent as it is shown; `active` as what it does with its leases. */
export function viewAgent(agent: AgentRecord, state: State, board: Board): AgentView {
  const { id, registration, why, registeredMs, changedMs } = agent;
  const leases = state.load.leases.get(id) ?? 0;
  const sign = board.sign(id)?.heartbeat ?? null;
  const heartbeat = sign?.incarnation === registration.incarnation ? sign : null;
  return {
    id,
    status: statusOf(agent, leases, board),
    why,
    registration,
    leases,
    heartbeat,
    registeredMs,
    changedMs,
  };
}

function statusOf({ id, status }: AgentRecord, leases: number, board: Board): string {
  if (status !== "active") return status;
  if (board.downSinceMs(id) !== null) return "unhealthy";
  return leases > 0 ? "working" : "idle";
}

/** A definition as it is shown. */
export function viewDefinition(
  { tenant, name, text, version, changedMs }: Definition,
): DefinitionView {
  return { tenant, name, text, version, changedMs };
}

/** How many there are of each state. */
export function countBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = keyOf(item);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
