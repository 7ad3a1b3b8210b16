/**
 * Lists of runs and jobs, the newest first: those of the state and those of the archive as one list. What
 * is archived between two pages keeps its place, so it is neither passed over nor shown twice.
 */

import {
  isBefore,
  type ListPlace,
  mergeParts,
  parsePlace,
  type Part,
  placeText,
} from "../archive/order.ts";
import type { ArchivePart, ArchiveReader } from "../archive/reader.ts";
import type { ArchivedSummary, IndexedJob } from "../archive/summary.ts";
import type { ArchivedRun, Run, State } from "../controller/state.ts";
import type { Board } from "../fleet/board.ts";
import { FINAL_STATES, type Job } from "../job/record.ts";
import type { Found, JobView, Principal, Query, RunView } from "./messages.ts";
import { firstOf } from "./pages.ts";
import { sees } from "./permissions.ts";
import { viewJob, viewRun } from "./views.ts";

/** Lists that go on into the archive. */
export type ListQuery = Extract<Query, { type: "runs" | "jobs" }>;
type Labels = Readonly<Record<string, string>>;

/** What lists work with. */
export interface ListContext {
  readonly archive: Pick<ArchiveReader, "runs" | "jobs" | "job" | "labels">;
  readonly board: Pick<Board, "progress">;
}

/** A page of a list. */
export async function findList(
  context: ListContext,
  state: State,
  principal: Principal,
  query: ListQuery,
): Promise<Found> {
  const after = query.after === null ? null : parsePlace(query.after);
  if (query.after !== null && after === null) {
    const message = `list ${query.type} after ${query.after}: no page of this list ended there; ` +
      "begin again without it";
    return { type: "none", code: "invalid", message };
  }
  const list = { state, principal, after };
  return query.type === "runs"
    ? await listRuns(context, list, query)
    : await listJobs(context, list, query);
}

interface List {
  readonly state: State;
  readonly principal: Principal;
  readonly after: ListPlace | null;
}

/** One of the state, or of a segment whose rows are still in it, with what its jobs are looked up in. */
interface HotRun {
  readonly run: Run;
  readonly jobs: { get(jobId: string): Job | undefined };
}

async function listRuns(
  { archive }: ListContext,
  { state, principal, after }: List,
  { states, labels, limit }: Extract<Query, { type: "runs" }>,
): Promise<Found> {
  const isWanted = (one: { tenant: string; state: string }, of: Labels) =>
    sees(principal, one.tenant) && hasState(states, one.state) && hasLabels(labels, of);
  const hot = partOf(hotRuns(state), {
    placeOf: ({ run: { createdMs, id } }) => ({ atMs: createdMs, id }),
    isWanted: ({ run }) => isWanted(run, run.plan.labels),
    after,
    limit,
  });
  const old = endsInArchive(states)
    ? await archive.runs({
      ...{ tenants: principal.tenants, first: state.archive.first, after, limit },
      isWanted: (run) => isWanted(run, run.labels),
    })
    : NOTHING;
  const { items, through } = mergeParts<HotRun | ArchivedSummary>([hot, old], limit);
  const runs = items.map(({ item }) => "run" in item ? viewRun(item.run, item) : viewSummary(item));
  return { type: "runs", runs, ...endOf(through, old.isIncomplete) };
}

interface HotJob {
  readonly job: Job;
  readonly run: Run | undefined;
}

async function listJobs(
  { archive, board }: ListContext,
  { state, principal, after }: List,
  { runId, states, labels, limit }: Extract<Query, { type: "jobs" }>,
): Promise<Found> {
  const isWanted = (one: { tenant: string; state: string; runId: string }) =>
    sees(principal, one.tenant) && (runId === null || runId === one.runId) &&
    hasState(states, one.state);
  const hot = partOf(hotJobs(state), {
    placeOf: ({ job: { submittedMs, id } }) => ({ atMs: submittedMs, id }),
    isWanted: ({ job, run }) => isWanted(job) && hasLabels(labels, run?.plan.labels),
    after,
    limit,
  });
  const old = endsInArchive(states)
    ? await archive.jobs({
      ...{ tenants: principal.tenants, first: state.archive.first, after, limit },
      ...{ runId, isWanted },
      hasLabels: labels.length === 0 ? null : (of) => hasLabels(labels, of),
    })
    : NOTHING;
  const { items, through } = mergeParts<HotJob | IndexedJob>([hot, old], limit);
  const archived = new ArchivedJobs(archive, board);
  const jobs: JobView[] = [];
  for (const { item } of items) {
    const view = "job" in item ? viewJob(item.job, item.run, board) : await archived.view(item);
    if (view !== null) jobs.push(view);
  }
  // One that cannot be read was damaged, and is about to be fetched again.
  return {
    type: "jobs",
    jobs,
    ...endOf(through, old.isIncomplete || jobs.length < items.length),
  };
}

/** Archived jobs of one page, each read from its segment, the labels of each run once. */
class ArchivedJobs {
  readonly #archive: ListContext["archive"];
  readonly #board: ListContext["board"];
  readonly #labels = new Map<string, Labels>();

  constructor(archive: ListContext["archive"], board: ListContext["board"]) {
    this.#archive = archive;
    this.#board = board;
  }

  async view(indexed: IndexedJob): Promise<JobView | null> {
    const job = await this.#archive.job(indexed);
    if (job === null) return null;
    const labels = this.#labels.get(job.runId) ?? await this.#archive.labels(job.runId);
    this.#labels.set(job.runId, labels);
    return viewJob(job, { plan: { labels } }, this.#board);
  }
}

const NOTHING: ArchivePart<never> = { items: [], through: null, isIncomplete: false };

function* hotRuns({ runs, jobs, archive }: State): Iterable<HotRun> {
  for (const run of runs.values()) yield { run, jobs };
  for (const rows of archive.open.values()) {
    for (const row of rows) yield { run: row.run, jobs: jobsById(row) };
  }
}

/** Most are not looked into: only those of the page are. */
function jobsById({ jobs }: ArchivedRun): HotRun["jobs"] {
  let byId: ReadonlyMap<string, Job> | null = null;
  return { get: (jobId) => (byId ??= new Map(jobs.map((job) => [job.id, job]))).get(jobId) };
}

function* hotJobs({ runs, jobs, archive }: State): Iterable<HotJob> {
  for (const job of jobs.values()) yield { job, run: runs.get(job.runId) };
  for (const rows of archive.open.values()) {
    for (const row of rows) for (const job of row.jobs) yield { job, run: row.run };
  }
}

/** What the state has of a page: the first part that is looked at, so it wins over the archive. */
function partOf<E>(
  entries: Iterable<E>,
  selection: {
    readonly placeOf: (entry: E) => ListPlace;
    readonly isWanted: (entry: E) => boolean;
    readonly after: ListPlace | null;
    readonly limit: number;
  },
): Part<E> {
  const { chosen, isMore } = firstOf(entries, { ...selection, isBefore });
  return {
    items: chosen.map(({ entry: item, place }) => ({ place, item })),
    through: isMore ? chosen.at(-1)!.place : null,
  };
}

/** Only what has ended is archived. */
function endsInArchive(states: readonly string[] | null): boolean {
  return states === null || states.some((state) => ENDS.has(state));
}

/** Of runs and of jobs: the same words. */
const ENDS: ReadonlySet<string> = FINAL_STATES;

function endOf(through: ListPlace | null, isIncomplete: boolean) {
  return {
    next: through === null ? null : placeText(through),
    ...(isIncomplete ? { isIncomplete } : {}),
  };
}

function viewSummary({ runId: id, segment: _, isWhole: __, ...shown }: ArchivedSummary): RunView {
  return { id, ...shown, labels: { ...shown.labels }, skipped: [...shown.skipped] };
}

function hasState(states: readonly string[] | null, state: string): boolean {
  return states === null || states.includes(state);
}

function hasLabels(selector: ListQuery["labels"], labels: Labels | undefined): boolean {
  return selector.every(({ name, values }) => {
    const value = labels?.[name];
    return value !== undefined && (values === null || values.includes(value));
  });
}
