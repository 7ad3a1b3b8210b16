/** Looking things up in the archive of one controller. */

import type { ArchivedRun, State } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import type { ArchiveStatus } from "./messages.ts";
import type { Part } from "./order.ts";
import type { ArchiveStore, JobQuery, RunQuery } from "./store.ts";
import type { ArchivedSummary, IndexedJob } from "./summary.ts";

/** Part of a list of what was archived. */
export interface ArchivePart<T> extends Part<T> {
  /** Some segments are not here yet: what is in them is missing. */
  readonly isIncomplete: boolean;
}

/** Archived runs, as far as this controller has them. */
export interface ArchiveReader {
  /** Runs of sealed segments, the newest first. */
  runs(query: RunQuery): Promise<ArchivePart<ArchivedSummary>>;
  /** Jobs of sealed segments, those submitted last first. */
  jobs(query: JobQuery): Promise<ArchivePart<IndexedJob>>;
  /** A job of a list; null: it is not kept any longer, or was damaged just now. */
  job(indexed: IndexedJob): Promise<Job | null>;
  /** The labels of an archived run. */
  labels(runId: string): Promise<ArchivedSummary["labels"]>;
  /** A run with its jobs; null: it was not archived, or is not kept any longer, or is not here yet. */
  get(runId: string): Promise<ArchivedRun | null>;
  /** The run of a job, with all its jobs; null as in {@link ArchiveReader.get}. */
  getByJob(jobId: string): Promise<ArchivedRun | null>;
  /** What is here, and what checks of it have found. */
  status(): ArchiveStatus;
}

/** What a reader takes of a store. */
type Readable = Pick<
  ArchiveStore,
  "runs" | "jobs" | "job" | "labels" | "get" | "getByJob" | "holds" | "checks"
>;

/** Reads what the store has, and what is still on its way to it. */
export function archiveReader(
  replica: { readonly state: State },
  store: Readable,
): ArchiveReader {
  const openRow = (isIt: (row: ArchivedRun) => boolean): ArchivedRun | undefined => {
    for (const rows of replica.state.archive.open.values()) {
      const row = rows.find(isIt);
      if (row !== undefined) return row;
    }
  };
  const marked = <T>(part: Part<T>): ArchivePart<T> => ({
    ...part,
    isIncomplete: gapOf(replica.state, store).length > 0,
  });
  return {
    runs: async (query) => marked(await store.runs(query)),
    jobs: async (query) => marked(await store.jobs(query)),
    job: (indexed) => store.job(indexed),
    labels: (runId) => store.labels(runId),
    get: async (runId) => openRow(({ run }) => run.id === runId) ?? await store.get(runId),
    getByJob: async (jobId) =>
      openRow(({ jobs }) => jobs.some(({ id }) => id === jobId)) ?? await store.getByJob(jobId),
    status: () => archiveStatusOf(replica.state, store),
  };
}

/** What is here of what the state speaks of, and what checks of it have found. */
export function archiveStatusOf(
  state: State,
  store: Pick<ArchiveStore, "holds" | "checks">,
): ArchiveStatus {
  const { first, count } = state.archive;
  const { verifiedMs, segments: verified, damaged, lastDamagedMs } = store.checks;
  const missing = gapOf(state, store);
  return { first, count, missing, verifiedMs, verified, damaged, lastDamagedMs };
}

/** The numbers of the segments that are neither here nor still in the state. */
function gapOf(state: State, store: Pick<ArchiveStore, "holds">): number[] {
  return missingSegments(state, store).filter((number) => !state.archive.open.has(String(number)));
}

/** The numbers of the segments that the state speaks of and the store has not. */
export function missingSegments(
  { archive: { segments } }: State,
  store: Pick<ArchiveStore, "holds">,
): number[] {
  return [...segments.values()].filter((one) => !store.holds(one)).map(({ number }) => number)
    .sort((a, b) => a - b);
}
