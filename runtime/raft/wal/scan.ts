/**
 * Reading the segments of a log: finds the end, tells what a crash tore from what was damaged.
 *
 * Records are written only after all earlier batches are durable, a segment is written to only after
 * the one before it is, and after the last batch comes a mark. So whatever is unreadable was either
 * never acknowledged, or a later record says that it had been durable.
 */

import { messageOf } from "../../base/errors.ts";
import { decodeRecord, provesDurable, viewOf } from "../../store/journal_format.ts";
import { readFile } from "../../store/whole_file.ts";
import type { StoreIdentity } from "../storage.ts";
import { identityCrc, wrongFolder } from "./identity.ts";
import { logCorrupt, unknownVersion } from "./log_errors.ts";
import type { RaftLogEnv } from "./log_options.ts";
import { decodeRecordPayload } from "./records.ts";
import { Replay } from "./replay.ts";
import {
  decodeSegmentHeader,
  isZero,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  sequenceOf,
} from "./segment_format.ts";

/** A log that was read. */
export interface ScannedLog {
  readonly replay: Replay;
  /** The last segment in use: its bytes, where its records end, and the number of the next one. */
  readonly bytes: Uint8Array;
  readonly endOffset: number;
  readonly nextRecord: number;
  /** Something behind the end was torn, and never acknowledged. */
  readonly wasTorn: boolean;
}

interface Place {
  readonly path: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** The numbers of the segments in a folder, in order. */
export async function listSequences(env: RaftLogEnv, folder: string): Promise<number[]> {
  const names = await env.disk.readDirectory(folder);
  return names.map(({ name }) => sequenceOf(name)).filter((sequence) => sequence !== null)
    .sort((one, other) => one - other);
}

/** Reads the log of a folder whose log has begun. */
export async function scanLog(
  env: RaftLogEnv,
  folder: string,
  identity: StoreIdentity,
): Promise<ScannedLog> {
  const sequences = await listSequences(env, folder);
  if (sequences.length === 0) {
    throw logCorrupt(
      folder,
      0,
      0,
      "the log is missing, although the folder says that it has begun",
    );
  }
  return await new Scanner(env, folder, identity).scan(sequences);
}

class Scanner {
  readonly #env: RaftLogEnv;
  readonly #folder: string;
  readonly #identity: StoreIdentity;
  readonly #identityCrc: number;
  readonly #replay = new Replay();
  #last: { place: Place; endOffset: number } | null = null;
  #nextRecord = 0;

  constructor(env: RaftLogEnv, folder: string, identity: StoreIdentity) {
    this.#env = env;
    this.#folder = folder;
    this.#identity = identity;
    this.#identityCrc = identityCrc(identity, env.hash.crc32);
  }

  async scan(sequences: readonly number[]): Promise<ScannedLog> {
    let isOver = false;
    let wasTorn = false;
    for (const [position, sequence] of sequences.entries()) {
      const path = segmentPath(this.#folder, sequence);
      if (sequence !== sequences[0]! + position) {
        throw this.#corrupt(path, 0, `segment ${sequences[0]! + position} is missing before it`);
      }
      const place = { path, sequence, bytes: await readFile(this.#env.disk, path) };
      const isUsed = this.#isUsed(place);
      if (isUsed && isOver) throw this.#corrupt(path, 0, "what stands before it is damaged");
      if (isUsed) {
        this.#read(place);
      } else {
        this.#checkUnused(place);
        isOver = true;
        wasTorn ||= !isZero(place.bytes, 0);
      }
    }
    const { place, endOffset } = this.#last!;
    return {
      replay: this.#replay,
      bytes: place.bytes,
      endOffset,
      nextRecord: this.#nextRecord,
      wasTorn: this.#checkTail() || wasTorn,
    };
  }

  /** Whether records of this segment count: its header, and unless it is the oldest its first record. */
  #isUsed(place: Place): boolean {
    const { crc32 } = this.#env.hash;
    const reading = decodeSegmentHeader(place.bytes, crc32);
    if (reading.kind === "version") throw unknownVersion(place.path, reading.version);
    if (reading.kind === "damaged") {
      if (this.#last === null) throw this.#corrupt(place.path, 0, "its header is damaged");
      return false;
    }
    const { header } = reading;
    if (header.identityCrc !== this.#identityCrc) {
      const reason = `${place.path} was written by another member; give each a folder of its own`;
      throw wrongFolder(this.#folder, this.#identity, reason);
    }
    if (header.sequence !== place.sequence) {
      throw this.#corrupt(place.path, 8, `it says that it is segment ${header.sequence}`);
    }
    if (this.#last === null) {
      this.#nextRecord = header.firstRecord;
      return true;
    }
    const first = this.#decode(place, SEGMENT_HEADER_BYTES, header.firstRecord);
    if (first === null) return false;
    if (header.firstRecord !== this.#nextRecord) {
      const { place: { path }, endOffset } = this.#last;
      throw this.#corrupt(path, endOffset, `record ${this.#nextRecord} is damaged`);
    }
    return true;
  }

  /**
   * A segment that is not in use is a spare, or was begun by a batch that never became durable: then it
   * is filled with zeros before it is used again.
   */
  #checkUnused({ path, bytes }: Place): void {
    const { crc32 } = this.#env.hash;
    if (isZero(bytes, 0)) return;
    if (provesDurable(bytes, 0, this.#nextRecord, bytes.length, crc32)) {
      throw this.#corrupt(path, 0, "its begin is damaged");
    }
  }

  /** True where a torn end must be cut. */
  #checkTail(): boolean {
    const { place: { path, bytes }, endOffset } = this.#last!;
    if (isZero(bytes, endOffset)) return false;
    const record = this.#nextRecord;
    if (provesDurable(bytes, endOffset, record, bytes.length, this.#env.hash.crc32)) {
      throw this.#corrupt(path, endOffset, `record ${record} is damaged`);
    }
    return true;
  }

  #read(place: Place): void {
    this.#replay.begin(place.sequence, place.path);
    let offset = SEGMENT_HEADER_BYTES;
    for (let isFirst = true;; isFirst = false) {
      const reading = this.#decode(place, offset, this.#nextRecord);
      if (reading === null) {
        if (isFirst) throw this.#corrupt(place.path, offset, "its first record is damaged");
        break;
      }
      try {
        this.#replay.take(decodeRecordPayload(reading.payload), isFirst);
      } catch (thrown) {
        throw this.#corrupt(place.path, offset, messageOf(thrown), thrown);
      }
      offset = reading.end;
      this.#nextRecord += 1;
    }
    this.#last = { place, endOffset: offset };
  }

  #decode({ bytes }: Place, offset: number, record: number) {
    const { crc32 } = this.#env.hash;
    const reading = decodeRecord(bytes, offset, record, bytes.length, crc32, viewOf(bytes));
    return reading.kind === "record" ? reading : null;
  }

  #corrupt(path: string, offset: number, reason: string, cause?: unknown) {
    return logCorrupt(path, offset, this.#replay.lastIndex, reason, cause);
  }
}
