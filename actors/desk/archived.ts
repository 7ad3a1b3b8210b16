/** What a query names by its id may have been archived: it is shown as it was. */

import type { ArchiveReader } from "../archive/reader.ts";
import type { ArchivedRun, State } from "../controller/state.ts";
import type { Query } from "./messages.ts";

/** The state with the archived run that a query names, where it names one; else the state. */
export async function withArchived(
  state: State,
  query: Query,
  archive: Pick<ArchiveReader, "get" | "getByJob">,
): Promise<State> {
  const row = await archivedRow(state, query, archive);
  if (row === null) return state;
  const jobs = row.jobs.reduce((all, job) => all.set(job.id, job), state.jobs);
  return { ...state, runs: state.runs.set(row.run.id, row.run), jobs };
}

async function archivedRow(
  { runs, jobs }: State,
  query: Query,
  archive: Pick<ArchiveReader, "get" | "getByJob">,
): Promise<ArchivedRun | null> {
  if (query.type === "job" || query.type === "explain") {
    return jobs.has(query.jobId) ? null : await archive.getByJob(query.jobId);
  }
  if (query.type !== "run" || runs.has(query.runId)) return null;
  return await archive.get(query.runId);
}
