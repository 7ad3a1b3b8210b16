/**
 * What has ended without success, as a run that tries it again: a run with what has succeeded in it, a job
 * as a run of that one transfer. It may have been archived.
 */

import type {
  LocationTemplate,
  Plan,
  PlannedTransfer,
  TransferTemplate,
} from "../../workflows/plan.ts";
import { groupsWithin, jsonBytes, piecesOfPlan } from "../../workflows/plan_pieces.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import type { Command } from "../controller/commands.ts";
import type { ArchivedRun } from "../controller/state.ts";
import { FINAL_STATES, type Job } from "../job/record.ts";

/** A run that is to be started again, or why it is not. */
export type Retried =
  | { readonly run: RetriedRun }
  | { readonly refused: string };

/** As `createRuns` takes it. */
export type RetriedRun = (Command & { type: "createRuns" })["runs"][number];

/** A part of one that is too large for one command. */
export type RetriedPart = Command & { type: "stageRun" };

/** The run `runId` that tries again what has not succeeded of an ended one. */
export function retriedRun({ run, jobs }: ArchivedRun, runId: string): Retried {
  const { id, plan, tenant } = run;
  if (run.state === "running") {
    return { refused: `run ${id} has not ended: retry its failed jobs, or cancel it first` };
  }
  if (run.state === "succeeded") {
    return { refused: `run ${id} has succeeded: nothing of it is tried again; submit it anew` };
  }
  const open = jobs.find(({ state }) => !FINAL_STATES.has(state));
  if (open !== undefined) {
    return { refused: `job ${open.id} of run ${id} is ${open.state}: decide it first` };
  }
  const places = new Map(plan.transfers.map(({ name }, index) => [name, index]));
  const kept = jobs.filter(({ state }) => state === "succeeded").map((job) =>
    keptJob(job, runId, `${runId}-${(places.get(job.spec.name) ?? 0) + 1}`)
  );
  return { run: { runId, tenant, plan, pieces: 0, jobs: kept, retryOf: id } };
}

/** The run `runId` of the one transfer of a job that has failed or was cancelled. */
export function retriedJob({ run, jobs }: ArchivedRun, jobId: string, runId: string): Retried {
  const job = jobs.find(({ id }) => id === jobId);
  if (job === undefined) return { refused: `run ${run.id} has no job ${jobId}` };
  const { state, tenant } = job;
  if (state === "unknown") return { refused: `job ${jobId} is unknown: decide it first` };
  if (state === "succeeded") {
    return { refused: `job ${jobId} has succeeded: it is not tried again; submit it anew` };
  }
  if (!FINAL_STATES.has(state)) return { refused: `job ${jobId} has not ended: it is ${state}` };
  const plan = planOfOne(run.plan, job.spec);
  return { run: { runId, tenant, plan, pieces: 0, jobs: [], retryOf: jobId } };
}

/** The run whole where it is small, else with the parts that come before it. */
export function inParts(
  run: RetriedRun,
  partBytes: number,
): { readonly run: RetriedRun; readonly parts: readonly RetriedPart[] } {
  if (jsonBytes(run) <= partBytes) return { run, parts: [] };
  const { runId, tenant, plan, jobs } = run;
  const lists = [
    ...piecesOfPlan(plan, partBytes).map(({ transfers, levels }) => ({
      transfers: [...transfers],
      levels: [...levels],
      jobs: [],
    })),
    ...groupsWithin(jobs, partBytes).map((some) => ({ transfers: [], levels: [], jobs: some })),
  ];
  const parts = lists.map((list, number): RetriedPart => ({
    ...{ type: "stageRun", runId, tenant, number },
    ...list,
  }));
  const head = { ...plan, transfers: [], levels: [] };
  return { run: { ...run, plan: head, jobs: [], pieces: parts.length }, parts };
}

/** What has succeeded stays as it is: those that depend on it find its results. */
function keptJob(job: Job, runId: string, id: string): Job {
  return {
    ...job,
    id,
    runId,
    why: `succeeded in run ${job.runId}`,
    intent: "run",
    ...{ lease: null, adoptable: [], stale: [], progressed: null, grant: null },
  };
}

function planOfOne(plan: Plan, spec: TransferSpec): Plan {
  const { name } = spec;
  const transfer: PlannedTransfer = {
    name,
    dependsOn: [],
    condition: null,
    template: templateOf(spec),
  };
  return {
    ...plan,
    ...{ kind: "Transfer", name, strategy: "parallel", maxConcurrency: 1, timeoutMs: null },
    ...{ transfers: [transfer], levels: [[name]], onSuccess: [], onFailure: [] },
  };
}

/** All of it is known: a template without holes. */
function templateOf({ name: _, source, destination, validation, set, ...rest }: TransferSpec) {
  const { uri: from, ...reached } = source;
  const { uri: to, root, ...written } = destination;
  const { checksum } = validation;
  const place = (uri: string, below: string | null): LocationTemplate => ({
    ...{ form: "uri" as const, text: [uri], base: null, root: below, protocol: null },
    ...(set === undefined ? {} : { directory: true as const }),
  });
  const archive = set?.after ?? null;
  const after = archive === null || archive === "delete"
    ? archive
    : { move: place(archive.move, null) };
  const template: TransferTemplate = {
    ...rest,
    ...(set === undefined ? {} : { set: { ...set, after } }),
    source: { ...reached, location: place(from, null) },
    destination: { ...written, location: place(to, root) },
    validation: {
      ...validation,
      checksum: checksum === null ? null : {
        ...checksum,
        valueHex: checksum.valueHex === null ? null : [checksum.valueHex],
      },
    },
  };
  return template;
}
