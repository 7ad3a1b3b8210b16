/** Reading journal segments: finds the end, cuts what a crash tore, refuses what was damaged. */

import type { LimitValues } from "../base/limits.ts";
import type { Env } from "../env/env.ts";
import { JournalError } from "./journal_error.ts";
import {
  decodeHeader,
  decodeRecord,
  HEADER_BYTES,
  provesDurable,
  viewOf,
} from "./journal_format.ts";
import type { STORE_LIMITS } from "./limits.ts";
import { readFile } from "./whole_file.ts";

/** What the journal takes of Env. */
export type JournalEnv = Pick<Env, "disk" | "hash">;
export type JournalLimits = LimitValues<typeof STORE_LIMITS>;

/** One file of a journal. */
export interface Segment {
  readonly path: string;
  readonly firstIndex: number;
}

/** A segment that was read: where its records end and what the next index is. */
export interface ScannedSegment extends Segment {
  readonly nextIndex: number;
  readonly endOffset: number;
  readonly fileBytes: number;
  /** What was read, of the last segment; empty for others. */
  readonly bytes: Uint8Array;
}

/** One record of a journal. */
export interface JournalRecord {
  readonly index: number;
  /** A view of the segment that was read: copy it to keep it. */
  readonly bytes: Uint8Array;
}

const NAME = /^(\d{16})\.journal$/;

/** The path of the segment that begins with `firstIndex`. */
export function segmentPath(directory: string, firstIndex: number): string {
  return `${directory}/${String(firstIndex).padStart(16, "0")}.journal`;
}

/** The segments of a directory by their names, in order. */
export async function listSegments(env: JournalEnv, directory: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const { name } of await env.disk.readDirectory(directory)) {
    const match = NAME.exec(name);
    if (match !== null) {
      segments.push({ path: `${directory}/${name}`, firstIndex: Number(match[1]) });
    }
  }
  return segments.sort((one, other) => one.firstIndex - other.firstIndex);
}

/** Reads one segment to its end. Damage is an error, except a torn end where `isLast`. */
export async function scanSegment(
  env: JournalEnv,
  segment: Segment,
  isLast: boolean,
  limits: JournalLimits,
): Promise<ScannedSegment> {
  const bytes = await readFile(env.disk, segment.path);
  checkHeader(env, segment, bytes);
  const view = viewOf(bytes);
  let offset = HEADER_BYTES;
  let index = segment.firstIndex;
  while (offset < bytes.length) {
    const reading = decodeRecord(bytes, offset, index, limits.recordBytes, env.hash.crc32, view);
    if (reading.kind === "damaged") {
      const isTorn = isLast &&
        !provesDurable(bytes, offset, index, limits.recordBytes, env.hash.crc32);
      if (!isTorn) throw corrupt(segment.path, offset, `record ${index} is damaged`);
      break;
    }
    offset = reading.end;
    index += 1;
  }
  const kept = isLast ? bytes : bytes.subarray(0, 0).slice();
  return { ...segment, nextIndex: index, endOffset: offset, fileBytes: bytes.length, bytes: kept };
}

/**
 * Whether the last segment was being created when the process ended: no whole header, and no record.
 * Records are written only after the header is durable.
 */
export async function isUnfinished(
  env: JournalEnv,
  segment: Segment,
  limits: JournalLimits,
): Promise<boolean> {
  const bytes = await readFile(env.disk, segment.path);
  const { crc32 } = env.hash;
  if (decodeHeader(bytes, crc32).kind !== "damaged") return false;
  const first = decodeRecord(bytes, HEADER_BYTES, segment.firstIndex, limits.recordBytes, crc32);
  return first.kind === "damaged" &&
    !provesDurable(bytes, 0, segment.firstIndex - 1, limits.recordBytes, crc32);
}

/** The records of a segment through `lastIndex`. */
export async function* recordsOf(
  env: JournalEnv,
  segment: Segment,
  lastIndex: number,
  limits: JournalLimits,
): AsyncIterable<JournalRecord> {
  const bytes = await readFile(env.disk, segment.path);
  const view = viewOf(bytes);
  let offset = HEADER_BYTES;
  for (let index = segment.firstIndex; index <= lastIndex; index += 1) {
    const reading = decodeRecord(bytes, offset, index, limits.recordBytes, env.hash.crc32, view);
    if (reading.kind === "damaged") {
      throw corrupt(segment.path, offset, `record ${index} is damaged`);
    }
    yield { index, bytes: reading.payload };
    offset = reading.end;
  }
}

function checkHeader(env: JournalEnv, segment: Segment, bytes: Uint8Array): void {
  const header = decodeHeader(bytes, env.hash.crc32);
  if (header.kind === "version") {
    throw corrupt(segment.path, 4, `its format is version ${header.version}, not known here`);
  }
  if (header.kind === "damaged") throw corrupt(segment.path, 0, "its header is damaged");
  if (header.firstIndex !== segment.firstIndex) {
    throw corrupt(segment.path, 8, `it begins with record ${header.firstIndex}`);
  }
}

/** The error of damage that is not a torn end. */
export function corrupt(path: string, offset: number, reason: string): JournalError {
  return new JournalError(
    "corrupt",
    `cannot open the journal: ${path} at offset ${offset}: ${reason}, and what was acknowledged may be lost; restore the file from a copy, or start with an empty directory`,
    { details: { path, offset } },
  );
}
