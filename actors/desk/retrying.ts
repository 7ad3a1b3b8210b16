/** Finds what is to be tried again, in the state or in the archive, and makes it commands. */

import type { ArchiveReader } from "../archive/reader.ts";
import type { ArchivedRun, State } from "../controller/state.ts";
import type { Principal, RefusalCode, WriteRequest } from "./messages.ts";
import { sees } from "./permissions.ts";
import { inParts, retriedJob, type RetriedPart, type RetriedRun, retriedRun } from "./retry.ts";

/** What is asked. */
export type RetryRequest = Extract<WriteRequest, { type: "retry" }>;

/** The commands, parts first; or why there are none. */
export type RetryPlan =
  | { readonly parts: readonly RetriedPart[]; readonly run: RetriedRun }
  | { readonly code: RefusalCode; readonly message: string };

/** See the head of this file; another tenant's things are not there. */
export async function retryPlan(
  state: State,
  archive: Pick<ArchiveReader, "get" | "getByJob">,
  principal: Principal,
  { of, runId }: RetryRequest,
  partBytes: number,
): Promise<RetryPlan> {
  const row = of.kind === "run"
    ? hotRow(state, of.id) ?? await archive.get(of.id)
    : hotRow(state, state.jobs.get(of.id)?.runId) ?? await archive.getByJob(of.id);
  if (row === null || !sees(principal, row.run.tenant)) {
    return { code: "notFound", message: `no ${of.kind} ${of.id}` };
  }
  const retried = of.kind === "run" ? retriedRun(row, runId) : retriedJob(row, of.id, runId);
  if ("refused" in retried) return { code: "conflict", message: retried.refused };
  return inParts(retried.run, partBytes);
}

function hotRow({ runs, jobs }: State, runId: string | undefined): ArchivedRun | null {
  const run = runId === undefined ? undefined : runs.get(runId);
  if (run === undefined) return null;
  const own = [...run.jobs.values()].map((id) => jobs.get(id)).filter((job) => job !== undefined);
  return { run, jobs: own };
}
