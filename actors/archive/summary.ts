/** Archived runs and jobs as lists show them: what the index has of each. */

import type { ListPlace } from "./order.ts";
import type { RunLine } from "./segment.ts";

/** A longer summary leaves out what may be long: a value of Deno KV has 64 KiB. */
const SUMMARY_CHARACTERS = 16_384;
const WHY_CHARACTERS = 1_024;

/** An archived run in a list. */
export interface ArchivedSummary {
  readonly runId: string;
  readonly tenant: string;
  readonly name: string;
  readonly kind: string;
  readonly state: RunLine["state"];
  readonly why: string;
  readonly intent: RunLine["intent"];
  readonly labels: Readonly<Record<string, string>>;
  /** Number of transfers by state. */
  readonly transfers: Readonly<Record<string, number>>;
  readonly skipped: readonly SkippedTransfer[];
  readonly retryOf: string | null;
  readonly createdMs: number;
  readonly endedMs: number | null;
  readonly version: number;
  readonly segment: number;
  /** False: labels and skipped transfers are left out and the reason is cut; its line has them. */
  readonly isWhole: boolean;
}

/** A transfer that never became a job. */
export interface SkippedTransfer {
  readonly name: string;
  readonly why: string;
  readonly failed: boolean;
}

/** An archived job in the index: what lists are filtered by, and where its line stands. */
export interface IndexedJob {
  readonly jobId: string;
  readonly runId: string;
  readonly tenant: string;
  readonly state: string;
  readonly submittedMs: number;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A run of a segment, its jobs counted by their states. */
export interface CountedRun {
  readonly segment: number;
  readonly run: RunLine;
  readonly jobStates: Readonly<Record<string, number>>;
}

/** The summary of a run, cut where it would be too long. */
export function summaryOf(counted: CountedRun): ArchivedSummary {
  const { segment, run } = counted;
  const whole = wholeSummary(run, { segment, transfers: transfersOf(counted) });
  if (JSON.stringify(whole).length <= SUMMARY_CHARACTERS) return whole;
  const why = whole.why.slice(0, WHY_CHARACTERS);
  return { ...whole, why, labels: {}, skipped: [], isWhole: false };
}

/** The whole summary of a run, from its line and what the index has counted. */
export function wholeSummary(
  run: RunLine,
  { segment, transfers }: Pick<ArchivedSummary, "segment" | "transfers">,
): ArchivedSummary {
  const { id: runId, tenant, plan, state, why, intent, createdMs, endedMs, version } = run;
  return {
    ...{ runId, tenant, name: plan.name, kind: plan.kind, state, why, intent },
    labels: { ...plan.labels },
    ...{ segment, transfers },
    skipped: Object.entries(run.skipped).map(([name, one]) => ({ name, ...one })),
    ...{ retryOf: run.retryOf ?? null, createdMs, endedMs, version, isWhole: true },
  };
}

/** As a run in the state shows them. */
function transfersOf(
  { run, jobStates }: Pick<CountedRun, "run" | "jobStates">,
): Record<string, number> {
  const transfers: Record<string, number> = { ...jobStates };
  const skipped = Object.values(run.skipped);
  for (const { failed } of skipped) {
    const state = failed ? "failed" : "skipped";
    transfers[state] = (transfers[state] ?? 0) + 1;
  }
  const waiting = run.plan.transfers.length - Object.keys(run.jobs).length - skipped.length;
  return waiting > 0 ? { ...transfers, waiting } : transfers;
}

/** Where a run stands in a list. */
export function placeOfRun({ id, createdMs: atMs }: Pick<RunLine, "id" | "createdMs">): ListPlace {
  return { atMs, id };
}

/** Where a job stands in a list. */
export function placeOfJob(
  { id, submittedMs: atMs }: { readonly id: string; readonly submittedMs: number },
): ListPlace {
  return { atMs, id };
}
