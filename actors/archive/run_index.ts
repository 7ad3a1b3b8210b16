/**
 * The index of the archive, on Deno KV: runs by id, and by tenant and end, the last one first. It holds
 * nothing that the segments do not say, and is made from them where it is missing.
 */

import type { KvEntry, KvKey, KvMutation, KvStore, KvValue } from "../../runtime/env/env.ts";
import { ArchiveError, malformedSegment } from "./errors.ts";
import type { PlacedLine, SegmentFiles, SegmentName } from "./files.ts";
import { parseHead, parseJobLine, parseRunLine, type RunLine } from "./segment.ts";

/** Longer reasons are cut and longer labels left out of a summary: some 20 KiB at most. */
const WHY_CHARACTERS = 1_024;
const LABELS_CHARACTERS = 4_096;
/** One commit, well below the 1,000 changes and 819,200 bytes that Deno KV takes. */
const COMMIT_CHANGES = 500;
const COMMIT_BYTES = 400_000;

/** An archived run in a list. */
export interface ArchivedSummary {
  readonly runId: string;
  readonly tenant: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly why: string;
  readonly intent: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Number of jobs by state, and of transfers that never became one as `skipped`. */
  readonly transfers: Readonly<Record<string, number>>;
  readonly createdMs: number;
  readonly endedMs: number;
  readonly version: number;
}

/** What is looked for. */
export interface ArchiveQuery {
  /** Null: all tenants. */
  readonly tenant: string | null;
  /** Null: all states. */
  readonly states: readonly string[] | null;
  /** The `next` of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/** Where the lines of a run stand. */
export interface RowPlace {
  readonly segment: number;
  readonly hash: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A page; `next` null: there is no more. */
export interface SummaryPage {
  readonly runs: readonly ArchivedSummary[];
  readonly next: string | null;
}

interface Row {
  readonly run: RunLine;
  readonly transfers: Record<string, number>;
  readonly jobIds: string[];
  readonly offset: number;
  bytes: number;
}

/** See the head of this file. */
export class ArchiveIndex {
  readonly #kv: KvStore;
  readonly #scanEntries: number;

  constructor(kv: KvStore, scanEntries: number) {
    this.#kv = kv;
    this.#scanEntries = scanEntries;
  }

  /** The segments that are in it as a whole. */
  async segments(): Promise<SegmentName[]> {
    const names: SegmentName[] = [];
    for await (const { key, value } of this.#kv.list({ prefix: ["segment"] })) {
      names.push({ number: key[1] as number, hash: value as string });
    }
    return names;
  }

  /** Takes a segment in; ArchiveError `damaged`, and nothing is taken, if its bytes are wrong. */
  async add(files: SegmentFiles, name: SegmentName): Promise<void> {
    const rows = await rowsOf(files, name);
    await this.#commitRuns(rows, (row): KvMutation[] => {
      const { run, jobIds, offset, bytes } = row;
      const place = { segment: name.number, hash: name.hash, offset, bytes };
      const summary = summaryOf(row) as unknown as KvValue;
      const lists = listKeys(run).map((key) => ({ type: "set", key, value: summary } as const));
      const jobs = jobIds.map((id) => ({ type: "set", key: ["job", id], value: run.id } as const));
      return [{ type: "set", key: ["run", run.id], value: place }, ...lists, ...jobs];
    });
    // Last: what is told to be in it is.
    await this.#kv.commit([{ type: "set", key: ["segment", name.number], value: name.hash }]);
  }

  /** Forgets a segment, and its runs as far as its file can be read. */
  async forget(files: SegmentFiles, name: SegmentName): Promise<void> {
    await this.#kv.commit([{ type: "delete", key: ["segment", name.number] }]);
    const rows = await rowsOf(files, name).catch((error) => {
      if (error instanceof ArchiveError) return [];
      throw error;
    });
    await this.#commitRuns(rows, ({ run, jobIds }): KvMutation[] => {
      const jobs = jobIds.map((id) => ["job", id]);
      const keys = [["run", run.id], ...listKeys(run), ...jobs];
      return keys.map((key) => ({ type: "delete", key }));
    });
  }

  /** The run that a job belongs to. */
  async runOf(jobId: string): Promise<string | null> {
    const entry = await this.#kv.get(["job", jobId]);
    return entry === null ? null : entry.value as string;
  }

  async place(runId: string): Promise<RowPlace | null> {
    const entry = await this.#kv.get(["run", runId]);
    return entry === null ? null : entry.value as unknown as RowPlace;
  }

  /** The last ended first. Looks at a bounded number of runs: a page may be short and have a next one. */
  async find({ tenant, states, after, limit }: ArchiveQuery): Promise<SummaryPage> {
    const prefix: KvKey = tenant === null ? ["all"] : ["tenant", tenant];
    const runs: ArchivedSummary[] = [];
    let seen = 0;
    let last: string | null = null;
    for await (const entry of this.#list(prefix, after)) {
      if (runs.length === limit || seen === this.#scanEntries) return { runs, next: last };
      const summary = entry.value as unknown as ArchivedSummary;
      seen += 1;
      last = cursorOf(summary);
      if (states === null || states.includes(summary.state)) runs.push(summary);
    }
    return { runs, next: null };
  }

  async *#list(prefix: KvKey, after: string | null): AsyncIterable<KvEntry> {
    if (after === null) return yield* this.#kv.list({ prefix });
    const { endedMs, runId } = parseCursor(after);
    for await (const entry of this.#kv.list({ prefix, start: [...prefix, -endedMs, runId] })) {
      if (entry.key.at(-1) !== runId || entry.key.at(-2) !== -endedMs) yield entry;
    }
  }

  async #commitRuns(rows: readonly Row[], change: (row: Row) => KvMutation[]): Promise<void> {
    let batch: KvMutation[] = [];
    let bytes = 0;
    for (const mutation of rows.flatMap(change)) {
      batch.push(mutation);
      // A UTF-16 unit takes at most 3 bytes.
      bytes += 3 * JSON.stringify(mutation).length;
      if (batch.length < COMMIT_CHANGES && bytes < COMMIT_BYTES) continue;
      await this.#kv.commit(batch);
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.#kv.commit(batch);
  }
}

/** The runs of a segment, each with where its lines stand. */
async function rowsOf(files: SegmentFiles, name: SegmentName): Promise<Row[]> {
  const rows: Row[] = [];
  let isHead = true;
  for await (const line of files.lines(name)) {
    if (isHead) parseHead(line.text);
    else takeLine(rows, line);
    isHead = false;
  }
  return rows;
}

/** A line begins a run, or is a job of the one before. */
function takeLine(rows: Row[], { text, offset, bytes }: PlacedLine): void {
  const run = parseRunLine(text);
  if (run !== null) {
    const skipped = Object.keys(run.skipped).length;
    const transfers = skipped === 0 ? {} : { skipped };
    rows.push({ run, transfers, jobIds: [], offset, bytes });
    return;
  }
  const row = rows.at(-1);
  if (row === undefined) throw malformedSegment("a job stands before its run");
  const { id, state } = parseJobLine(text);
  row.jobIds.push(id);
  row.transfers[state] = (row.transfers[state] ?? 0) + 1;
  row.bytes += bytes;
}

function endOf(run: RunLine): number {
  return run.endedMs ?? run.createdMs;
}

/** Ends fall along a list. */
function listKeys(run: RunLine): [KvKey, KvKey] {
  const place = [-endOf(run), run.id] as const;
  return [["all", ...place], ["tenant", run.tenant, ...place]];
}

function summaryOf({ run, transfers }: Row): ArchivedSummary {
  const { plan: { name, kind, labels } } = run;
  const isLong = JSON.stringify(labels).length > LABELS_CHARACTERS;
  return {
    runId: run.id,
    tenant: run.tenant,
    name,
    kind,
    state: run.state,
    why: run.why.slice(0, WHY_CHARACTERS),
    intent: run.intent,
    labels: isLong ? {} : { ...labels },
    transfers,
    createdMs: run.createdMs,
    endedMs: endOf(run),
    version: run.version,
  };
}

function cursorOf({ endedMs, runId }: ArchivedSummary): string {
  return `${endedMs}:${runId}`;
}

function parseCursor(text: string): { endedMs: number; runId: string } {
  const at = text.indexOf(":");
  const endedMs = at > 0 ? Number(text.slice(0, at)) : NaN;
  if (!Number.isFinite(endedMs)) {
    throw new ArchiveError("badCursor", `read the archive from ${text}: that is no cursor of it`);
  }
  return { endedMs, runId: text.slice(at + 1) };
}
