/**
 * A segment of the archive as bytes: JSON texts, one a line. Its head names the segment before it by its
 * hash, so that the hash of the last one speaks for all of them. Equal rows give equal bytes on every
 * controller: keys are in order, and nothing is written that only one of them knows.
 */

import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { Env } from "../../runtime/env/env.ts";
import { canonicalJson } from "../../workflows/digest.ts";
import type { ArchivedRun, Run } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import { malformedSegment } from "./errors.ts";

const FORMAT = 1;
/** Lines are gathered into pieces of about this many characters. */
const PIECE_CHARACTERS = 64 * 1_024;

/** The first line. */
export interface SegmentHead {
  readonly format: typeof FORMAT;
  readonly number: number;
  /** The hash of the segment before; zeros for the first one. */
  readonly previous: string;
  readonly runs: number;
  readonly jobs: number;
}

/** A run as a line has it. */
export type RunLine = Omit<Run, "jobs" | "skipped"> & {
  readonly jobs: Readonly<Record<string, string>>;
  readonly skipped: Readonly<Record<string, { readonly why: string; readonly failed: boolean }>>;
};
type Line = SegmentHead | { readonly run: RunLine } | { readonly job: Job };

/** The bytes of a segment, each piece made when it is asked for. */
export function* segmentPieces(
  number: number,
  previous: string,
  rows: readonly ArchivedRun[],
): Iterable<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let text = "";
  for (const line of lines(number, previous, rows)) {
    text += canonicalJson(line) + "\n";
    if (text.length < PIECE_CHARACTERS) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

function* lines(number: number, previous: string, rows: readonly ArchivedRun[]): Iterable<Line> {
  const jobs = rows.reduce((sum, row) => sum + row.jobs.length, 0);
  yield { format: FORMAT, number, previous, runs: rows.length, jobs };
  for (const row of rows) {
    const { jobs: jobIds, skipped, ...run } = row.run;
    yield {
      run: { ...run, jobs: Object.fromEntries(jobIds), skipped: Object.fromEntries(skipped) },
    };
    for (const job of row.jobs) yield { job };
  }
}

/** The hash that a segment of these rows has; others have their turn in between. */
export async function segmentHash(
  { hash, timers }: Pick<Env, "hash" | "timers">,
  number: number,
  previous: string,
  rows: readonly ArchivedRun[],
): Promise<string> {
  const hasher = hash.sha256();
  for (const piece of segmentPieces(number, previous, rows)) {
    hasher.update(piece);
    await new Promise<void>((resolve) => timers.soon(resolve));
  }
  return hasher.digestHex();
}

/** The head of a segment. */
export function parseHead(text: string): SegmentHead {
  const head = JSON.parse(text) as SegmentHead;
  if (head.format !== FORMAT) throw malformedSegment(`its format is ${String(head.format)}`);
  return head;
}

/** The run that a line begins; null: the line is one of its jobs. */
export function parseRunLine(text: string): RunLine | null {
  const line = JSON.parse(text) as { readonly run?: RunLine };
  return line.run ?? null;
}

/** The job of a line. */
export function parseJobLine(text: string): Job {
  const line = JSON.parse(text) as { readonly job?: Job };
  if (line.job === undefined) throw malformedSegment("a line is neither a run nor a job");
  return line.job;
}

/** A run with its jobs from its lines. */
export function parseRow(text: string): ArchivedRun {
  const [first, ...rest] = text.split("\n").filter((line) => line !== "");
  const line = first === undefined ? null : parseRunLine(first);
  if (line === null) throw malformedSegment("a run does not begin where the index says");
  const run: Run = {
    ...line,
    jobs: PersistentMap.from(Object.entries(line.jobs)),
    skipped: PersistentMap.from(Object.entries(line.skipped)),
  };
  return { run, jobs: rest.map(parseJobLine) };
}
