/** What of a segment goes into the index: its runs and their jobs, each with where its line stands. */

import { malformedSegment } from "./errors.ts";
import type { PlacedLine, SegmentFiles, SegmentName } from "./files.ts";
import { parseHead, parseJobLine, parseRunLine, type RunLine } from "./segment.ts";

/** A job of a segment. */
export interface PlacedJob {
  readonly id: string;
  readonly state: string;
  readonly submittedMs: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A run of a segment. */
export interface IndexedRun {
  readonly run: RunLine;
  readonly jobs: PlacedJob[];
  readonly jobStates: Record<string, number>;
  readonly offset: number;
  /** Of its own line, and with those of its jobs. */
  readonly lineBytes: number;
  bytes: number;
}

/** All of them; ArchiveError `damaged` if the bytes are not those of this name. */
export async function indexedRuns(files: SegmentFiles, name: SegmentName): Promise<IndexedRun[]> {
  const rows: IndexedRun[] = [];
  let isHead = true;
  for await (const line of files.lines(name)) {
    if (isHead) parseHead(line.text);
    else takeLine(rows, line);
    isHead = false;
  }
  return rows;
}

/** A line begins a run, or is a job of the one before. */
function takeLine(rows: IndexedRun[], { text, offset, bytes }: PlacedLine): void {
  const run = parseRunLine(text);
  if (run !== null) {
    rows.push({ run, jobs: [], jobStates: {}, offset, lineBytes: bytes, bytes });
    return;
  }
  const row = rows.at(-1);
  if (row === undefined) throw malformedSegment("a job stands before its run");
  const { id, state, submittedMs } = parseJobLine(text);
  row.jobs.push({ id, state, submittedMs, offset, bytes });
  row.jobStates[state] = (row.jobStates[state] ?? 0) + 1;
  row.bytes += bytes;
}
