/** Looking things up in the archive of one controller. */

import type { ArchivedRun, State } from "../controller/state.ts";
import type { ArchiveQuery, SummaryPage } from "./run_index.ts";
import type { ArchiveStore } from "./store.ts";

/** A page of archived runs. */
export interface ArchivePage extends SummaryPage {
  /** Some segments are not here yet: runs of them are missing. */
  readonly isIncomplete: boolean;
}

/** Archived runs, as far as this controller has them. */
export interface ArchiveReader {
  /** Runs that ended last come first; a page may be short and have a next one. ArchiveError `badCursor`. */
  find(query: ArchiveQuery): Promise<ArchivePage>;
  /** A run with its jobs; null: it was not archived, or is not kept any longer, or is not here yet. */
  get(runId: string): Promise<ArchivedRun | null>;
  /** The run of a job, with all its jobs; null as in {@link ArchiveReader.get}. */
  getByJob(jobId: string): Promise<ArchivedRun | null>;
}

/** Reads what the store has, and what is still on its way to it. */
export function archiveReader(
  replica: { readonly state: State },
  store: Pick<ArchiveStore, "find" | "get" | "getByJob" | "holds">,
): ArchiveReader {
  const openRow = (isIt: (row: ArchivedRun) => boolean): ArchivedRun | undefined => {
    for (const rows of replica.state.archive.open.values()) {
      const row = rows.find(isIt);
      if (row !== undefined) return row;
    }
  };
  return {
    find: async (query) => {
      const page = await store.find(query);
      return { ...page, isIncomplete: missingSegments(replica.state, store).length > 0 };
    },
    get: async (runId) => openRow(({ run }) => run.id === runId) ?? await store.get(runId),
    getByJob: async (jobId) =>
      openRow(({ jobs }) => jobs.some(({ id }) => id === jobId)) ?? await store.getByJob(jobId),
  };
}

/** The numbers of the segments that the state speaks of and the store has not. */
export function missingSegments(
  { archive: { segments } }: State,
  store: Pick<ArchiveStore, "holds">,
): number[] {
  return [...segments.values()].filter((one) => !store.holds(one)).map(({ number }) => number)
    .sort((a, b) => a - b);
}
