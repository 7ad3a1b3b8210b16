/**
 * The index of the archive, on Deno KV: runs and jobs by id, and in the order of lists, of all tenants and
 * of each. It holds nothing that the segments do not say, and is made from them where it is missing.
 */

import type { KvEntry, KvKey, KvMutation, KvStore, KvValue } from "../../runtime/env/env.ts";
import type { ArchiveChecks } from "./checks.ts";
import { ArchiveError } from "./errors.ts";
import type { SegmentFiles, SegmentName } from "./files.ts";
import { type ListPlace, mergeParts, type Part, type Placed } from "./order.ts";
import { type IndexedRun, indexedRuns } from "./segment_rows.ts";
import { type ArchivedSummary, type IndexedJob, summaryOf } from "./summary.ts";

/** What the keys and values are: those of another format are made anew from the segments. */
const FORMAT = 2;
/** Lists of the first format, and what says which segments are in the index. */
const EARLIER_NOUNS = ["segment", "all", "tenant"];
/** One commit, well below the 1,000 changes and 819,200 bytes that Deno KV takes. */
const COMMIT_CHANGES = 500;
const COMMIT_BYTES = 400_000;

/** What part of a list is looked for. */
export interface IndexRange {
  /** Null: all tenants. */
  readonly tenants: readonly string[] | null;
  /** Behind which place; null: from the newest on. */
  readonly after: ListPlace | null;
  readonly limit: number;
}

/** Where the lines of a run stand, and between which moments its jobs were submitted. */
export interface RunPlace {
  readonly segment: number;
  readonly offset: number;
  /** Of its own line, and with those of its jobs. */
  readonly lineBytes: number;
  readonly bytes: number;
  readonly tenant: string;
  readonly createdMs: number;
  readonly firstJobMs: number;
  readonly lastJobMs: number;
}

/** Looks at what a list has next; null: that is not wanted. */
type Take<V, T> = (value: V) => T | null | Promise<T | null>;

/** See the head of this file. */
export class ArchiveIndex {
  readonly #kv: KvStore;
  readonly #scanEntries: number;

  private constructor(kv: KvStore, scanEntries: number) {
    this.#kv = kv;
    this.#scanEntries = scanEntries;
  }

  /** Empty where it has another format. One question looks at `scanEntries` of a list. */
  static async open(kv: KvStore, scanEntries: number): Promise<ArchiveIndex> {
    const index = new ArchiveIndex(kv, scanEntries);
    const format = await kv.get(["format"]);
    if (format?.value !== FORMAT) {
      for (const noun of EARLIER_NOUNS) await index.#removeAll(noun);
      await kv.commit([{ type: "set", key: ["format"], value: FORMAT }]);
    }
    return index;
  }

  /** The segments that are in it as a whole. */
  async segments(): Promise<SegmentName[]> {
    const names: SegmentName[] = [];
    for await (const { key, value } of this.#kv.list({ prefix: ["segment"] })) {
      names.push({ number: key[1] as number, hash: value as string });
    }
    return names;
  }

  /** What is known of the checks of segments; null: there were none. */
  async checks(): Promise<ArchiveChecks | null> {
    const entry = await this.#kv.get(["checks"]);
    return entry === null ? null : entry.value as unknown as ArchiveChecks;
  }

  async noteChecks(checks: ArchiveChecks): Promise<void> {
    const value = checks as unknown as KvValue;
    await this.#kv.commit([{ type: "set", key: ["checks"], value }]);
  }

  /** Takes a segment in; ArchiveError `damaged`, and nothing is taken, if its bytes are wrong. */
  async add(files: SegmentFiles, name: SegmentName): Promise<void> {
    const rows = await indexedRuns(files, name);
    await this.#commitAll(
      rows.flatMap((row) =>
        entriesOf(name.number, row).map((entry) => ({ type: "set", ...entry } as const))
      ),
    );
    // Last: what is told to be in it is.
    await this.#kv.commit([{ type: "set", key: ["segment", name.number], value: name.hash }]);
  }

  /** Forgets a segment, and its runs as far as its file can be read. */
  async forget(files: SegmentFiles, name: SegmentName): Promise<void> {
    await this.#kv.commit([{ type: "delete", key: ["segment", name.number] }]);
    const rows = await indexedRuns(files, name).catch((error) => {
      if (error instanceof ArchiveError) return [];
      throw error;
    });
    await this.#commitAll(
      rows.flatMap((row) =>
        entriesOf(name.number, row).map(({ key }) => ({ type: "delete", key } as const))
      ),
    );
  }

  /** The run that a job belongs to. */
  async runOf(jobId: string): Promise<string | null> {
    const entry = await this.#kv.get(["job", jobId]);
    return entry === null ? null : entry.value as string;
  }

  async place(runId: string): Promise<RunPlace | null> {
    const entry = await this.#kv.get(["run", runId]);
    return entry === null ? null : entry.value as unknown as RunPlace;
  }

  async summary(runId: string, { createdMs }: Pick<RunPlace, "createdMs">) {
    const entry = await this.#kv.get(["runs", -createdMs, runId]);
    return entry === null ? null : entry.value as unknown as ArchivedSummary;
  }

  /** Runs, the newest first. Looks at a bounded number: a part may be short and not the last one. */
  runs<T>(range: IndexRange, take: Take<ArchivedSummary, T>): Promise<Part<T>> {
    return this.#find("runs", range, null, take);
  }

  /** Jobs, those submitted last first; bounded as runs are. `run`: of one whose place is known. */
  jobs<T>(range: IndexRange, run: RunPlace | null, take: Take<IndexedJob, T>): Promise<Part<T>> {
    return this.#find("jobs", range, run, take);
  }

  async #find<V, T>(
    noun: "runs" | "jobs",
    { tenants, after, limit }: IndexRange,
    run: RunPlace | null,
    take: Take<V, T>,
  ): Promise<Part<T>> {
    const of = run === null ? tenants : [run.tenant];
    const lists: KvKey[] = of === null ? [[noun]] : of.map((tenant) => [`${noun}Of`, tenant]);
    const parts: Part<T>[] = [];
    for (const prefix of lists) {
      parts.push(await this.#part(this.#from(prefix, after, run), { after, limit, run }, take));
    }
    return mergeParts(parts, limit);
  }

  async #part<V, T>(
    entries: AsyncIterable<KvEntry>,
    { after, limit, run }: Omit<IndexRange, "tenants"> & { readonly run: RunPlace | null },
    take: Take<V, T>,
  ): Promise<Part<T>> {
    const items: Placed<T>[] = [];
    let seen = 0;
    let through = after;
    for await (const { key, value } of entries) {
      const place = { atMs: -(key.at(-2) as number), id: key.at(-1) as string };
      if (after !== null && place.id === after.id && place.atMs === after.atMs) continue;
      if (run !== null && place.atMs < run.firstJobMs) break;
      if (items.length === limit || seen === this.#scanEntries) return { items, through };
      seen += 1;
      through = place;
      const item = await take(value as unknown as V);
      if (item !== null) items.push({ place, item });
    }
    return { items, through: null };
  }

  #from(prefix: KvKey, after: ListPlace | null, run: RunPlace | null): AsyncIterable<KvEntry> {
    if (run !== null && (after === null || after.atMs > run.lastJobMs)) {
      return this.#kv.list({ prefix, start: [...prefix, -run.lastJobMs] });
    }
    if (after === null) return this.#kv.list({ prefix });
    return this.#kv.list({ prefix, start: [...prefix, -after.atMs, after.id] });
  }

  async #removeAll(noun: string): Promise<void> {
    const keys: KvKey[] = [];
    for await (const { key } of this.#kv.list({ prefix: [noun] })) keys.push(key);
    await this.#commitAll(keys.map((key) => ({ type: "delete", key } as const)));
  }

  async #commitAll(mutations: readonly KvMutation[]): Promise<void> {
    let batch: KvMutation[] = [];
    let bytes = 0;
    for (const mutation of mutations) {
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

/** All entries of a run and its jobs. */
function entriesOf(segment: number, row: IndexedRun): { key: KvKey; value: KvValue }[] {
  const { run, jobs, jobStates, offset, lineBytes, bytes } = row;
  const { id, tenant, createdMs } = run;
  const times = jobs.map(({ submittedMs }) => submittedMs);
  const [firstMs = createdMs] = times;
  const place: RunPlace = {
    ...{ segment, offset, lineBytes, bytes, tenant, createdMs },
    firstJobMs: times.reduce((first, ms) => Math.min(first, ms), firstMs),
    lastJobMs: times.reduce((last, ms) => Math.max(last, ms), firstMs),
  };
  const summary = summaryOf({ segment, run, jobStates });
  return [
    { key: ["run", id], value: place as unknown as KvValue },
    ...listed("runs", tenant, { atMs: createdMs, id }, summary),
    ...jobs.flatMap((job) => jobEntries(segment, tenant, id, job)),
  ];
}

function jobEntries(
  segment: number,
  tenant: string,
  runId: string,
  { id: jobId, state, submittedMs, offset, bytes }: IndexedRun["jobs"][number],
): { key: KvKey; value: KvValue }[] {
  const job: IndexedJob = { jobId, runId, tenant, state, submittedMs, segment, offset, bytes };
  return [
    { key: ["job", jobId], value: runId },
    ...listed("jobs", tenant, { atMs: submittedMs, id: jobId }, job),
  ];
}

function listed(
  noun: "runs" | "jobs",
  tenant: string,
  { atMs, id }: ListPlace,
  value: ArchivedSummary | IndexedJob,
): { key: KvKey; value: KvValue }[] {
  const kept = value as unknown as KvValue;
  return [
    { key: [noun, -atMs, id], value: kept },
    { key: [`${noun}Of`, tenant, -atMs, id], value: kept },
  ];
}
