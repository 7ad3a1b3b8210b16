/**
 * The replicated state as a snapshot: JSON texts, one a line, each a single thing of one noun, so that no
 * step of writing or reading is long. What can be derived (`load`) is not written.
 */

import { QuorusError } from "../../runtime/base/errors.ts";
import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import { jsonLines, readJsonLines } from "../../runtime/raft/json_lines.ts";
import type { Restoring } from "../../runtime/raft/machine.ts";
import type { Plan } from "../../workflows/plan.ts";
import type { Job } from "../job/record.ts";
import {
  type ArchivedRun,
  type ArchiveState,
  INITIAL_STATE,
  type Ledger,
  type Run,
  type SegmentRecord,
  type State,
  withJob,
} from "./state.ts";

/** Of what is written; earlier ones are read as well. */
const SNAPSHOT_VERSION = 1;

/** What is neither a map nor derived. */
type Head = Pick<State, "epoch" | "index" | "nowMs">;
/** The maps whose values are plain data. A new noun of the state does not compile until it is here. */
type PlainNoun = Exclude<
  keyof State,
  keyof Head | "load" | "runs" | "jobs" | "archive" | "ledgers"
>;
const PLAIN_NOUNS: { readonly [K in PlainNoun]: K } = {
  agents: "agents",
  definitions: "definitions",
  keys: "keys",
  tenants: "tenants",
  staged: "staged",
  noted: "noted",
  rates: "rates",
};

type PlainRun = Omit<Run, "plan" | "jobs" | "skipped"> & {
  readonly plan: Omit<Plan, "transfers">;
};
type Skipped = Run["skipped"] extends PersistentMap<infer V> ? V : never;

type Line =
  | ["state", { readonly version: number } & Head]
  | ["run", PlainRun]
  | ["transfer", string, Plan["transfers"][number]]
  | ["runJob", string, string, string]
  | ["skipped", string, string, Skipped]
  | ["job", Job]
  | ["archive", Pick<ArchiveState, "first" | "count" | "root">]
  | ["segment", SegmentRecord]
  /** A run of a segment that is open, followed by the lines of a run and by its jobs. */
  | ["openRun", string, PlainRun]
  | ["openJob", Job]
  | ["ledger", string, Omit<Ledger, "pages">]
  /** A page of the ledger above, base64. */
  | ["ledgerPage", string, string, string]
  | [PlainNoun, string, unknown];

/** A snapshot that this version cannot read. */
export class SnapshotError extends QuorusError<"unknownVersion" | "malformed"> {
  override readonly name = "SnapshotError";
}

/** The pieces of a snapshot of `state`, each made when it is asked for. */
export function snapshotState(state: State): Iterable<Uint8Array> {
  return jsonLines(lines(state));
}

/** Reads what {@link snapshotState} wrote; throws {@link SnapshotError}. */
export function restoreState(): Restoring<State> {
  const reader = new StateReader();
  return readJsonLines((line: Line) => reader.take(line), () => reader.end());
}

function* lines(state: State): Iterable<Line> {
  const { epoch, index, nowMs } = state;
  yield ["state", { version: SNAPSHOT_VERSION, epoch, index, nowMs }];
  for (const run of state.runs.values()) yield* runLines(run);
  for (const job of state.jobs.values()) yield ["job", job];
  for (const noun of Object.values(PLAIN_NOUNS)) {
    for (const [key, value] of state[noun]) yield [noun, key, value];
  }
  yield* archiveLines(state.archive);
  for (const [key, { pages, ...ledger }] of state.ledgers) {
    yield ["ledger", key, ledger];
    for (const [digits, page] of pages) yield ["ledgerPage", key, digits, page.toBase64()];
  }
}

function* archiveLines({ first, count, root, segments, open }: ArchiveState): Iterable<Line> {
  yield ["archive", { first, count, root }];
  for (const segment of segments.values()) yield ["segment", segment];
  for (const [number, rows] of open) {
    for (const { run, jobs } of rows) {
      yield* runLines(run, (plain) => ["openRun", number, plain]);
      for (const job of jobs) yield ["openJob", job];
    }
  }
}

/** A plan may be long: a line for each of its transfers. */
function* runLines(
  run: Run,
  head: (plain: PlainRun) => Line = (plain) => ["run", plain],
): Iterable<Line> {
  const { plan: { transfers, ...plan }, jobs, skipped, ...rest } = run;
  yield head({ ...rest, plan });
  for (const transfer of transfers) yield ["transfer", run.id, transfer];
  for (const [name, jobId] of jobs) yield ["runJob", run.id, name, jobId];
  for (const [name, why] of skipped) yield ["skipped", run.id, name, why];
}

/** Puts lines together again. The lines of a run follow each other. */
class StateReader {
  #state: State = INITIAL_STATE;
  #hasHead = false;
  #run: Run | null = null;
  #transfers: Plan["transfers"][number][] = [];
  /** The segment that the run belongs to; null: none, it is hot. */
  #segment: string | null = null;
  #openJobs: Job[] = [];

  take(line: Line): void {
    switch (line[0]) {
      case "state":
        return this.#head(line[1]);
      case "run":
        return this.#beginRun(null, line[1]);
      case "openRun":
        return this.#beginRun(line[1], line[2]);
      case "transfer":
        return void this.#transfers.push(line[2]);
      case "runJob":
        return this.#change((run) => ({ jobs: run.jobs.set(line[2], line[3]) }));
      case "skipped":
        return this.#change((run) => ({ skipped: run.skipped.set(line[2], line[3]) }));
      case "job":
        this.#state = withJob(this.#state, null, line[1]);
        return;
      case "openJob":
        return void this.#openJobs.push(line[1]);
      case "ledger":
        return this.#ledger(line[1], { ...line[2], pages: PersistentMap.empty() });
      case "ledgerPage": {
        const ledger = this.#state.ledgers.get(line[1]);
        if (ledger === undefined) throw malformed("a page of a ledger stands before its ledger");
        const pages = ledger.pages.set(line[2], Uint8Array.fromBase64(line[3]));
        return this.#ledger(line[1], { ...ledger, pages });
      }
      case "archive":
        return this.#archive((archive) => ({ ...archive, ...line[1] }));
      case "segment":
        return this.#archive((archive) => ({
          ...archive,
          segments: archive.segments.set(String(line[1].number), line[1]),
        }));
      default:
        return this.#plain(line[0], line[1], line[2]);
    }
  }

  end(): State {
    if (!this.#hasHead) throw malformed("it has no head");
    this.#endRun();
    return this.#state;
  }

  #head({ version, ...head }: { readonly version: number } & Head): void {
    if (version > SNAPSHOT_VERSION) {
      throw new SnapshotError(
        "unknownVersion",
        `restore the controllers' state: its version is ${version}, this program knows ` +
          `${SNAPSHOT_VERSION}; run the version of Quorus that wrote it, or a later one`,
      );
    }
    this.#state = { ...this.#state, ...head };
    this.#hasHead = true;
  }

  #ledger(key: string, ledger: Ledger): void {
    this.#state = { ...this.#state, ledgers: this.#state.ledgers.set(key, ledger) };
  }

  #change(change: (run: Run) => Partial<Run>): void {
    if (this.#run === null) throw malformed("a line of a run stands before its run");
    this.#run = { ...this.#run, ...change(this.#run) };
  }

  #archive(change: (archive: ArchiveState) => ArchiveState): void {
    this.#state = { ...this.#state, archive: change(this.#state.archive) };
  }

  #beginRun(segment: string | null, run: PlainRun): void {
    this.#endRun();
    this.#run = begun(run);
    this.#segment = segment;
  }

  #endRun(): void {
    if (this.#run === null) return;
    const run = { ...this.#run, plan: { ...this.#run.plan, transfers: this.#transfers } };
    const { runs } = this.#state;
    if (this.#segment === null) this.#state = { ...this.#state, runs: runs.set(run.id, run) };
    else this.#openRow(this.#segment, { run, jobs: this.#openJobs });
    this.#run = null;
    this.#transfers = [];
    this.#openJobs = [];
  }

  #openRow(segment: string, row: ArchivedRun): void {
    this.#archive((archive) => {
      const rows = [...archive.open.get(segment) ?? [], row];
      return { ...archive, open: archive.open.set(segment, rows) };
    });
  }

  #plain(noun: PlainNoun, key: string, value: unknown): void {
    // To pass over what another version wrote would lose it.
    if (!Object.hasOwn(PLAIN_NOUNS, noun)) throw malformed(`it speaks of ${String(noun)}`);
    // Checked when it was applied; framed by the snapshot's checksums since.
    const map = this.#state[noun] as PersistentMap<unknown>;
    this.#state = { ...this.#state, [noun]: map.set(key, value) };
  }
}

function begun({ plan, ...rest }: PlainRun): Run {
  return {
    ...rest,
    plan: { ...plan, transfers: [] },
    jobs: PersistentMap.empty(),
    skipped: PersistentMap.empty(),
  };
}

function malformed(why: string): SnapshotError {
  return new SnapshotError(
    "malformed",
    `restore the controllers' state: ${why}; was it written by a later version?`,
  );
}
