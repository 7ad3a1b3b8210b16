/**
 * How far a snapshot that is being received has come, in a file beside it (`receiving.progress`): head
 * (magic `QRRP`, version u32, length of the JSON u32, CRC-32 of the JSON u32), JSON of its meta and file,
 * then for each piece 16 B: bytes so far f64, CRC-32 of them u32, CRC-32 of these 12 B u32. None of it is
 * synced: what a crash left is believed only as far as the state beside it has that CRC.
 */

import { z } from "zod";
import type { DiskFile } from "../../env/env.ts";
import { type Crc32, viewOf } from "../../store/journal_format.ts";
import type { SnapshotFile } from "../core/messages.ts";
import type { StoredSnapshot } from "../storage.ts";
import { readWhole } from "../wal/files.ts";
import { decodeSnapshotMeta, encodeSnapshotMeta } from "../wal/snapshot_meta.ts";
import type { SnapshotEnv } from "./snapshot_options.ts";

const MAGIC = 0x50525251; // "QRRP"
const VERSION = 1;
const HEAD_BYTES = 16;
const STEP_BYTES = 16;
const STEP_CRC_OFFSET = 12;

const fileSchema = z.strictObject({ bytes: z.number().int().min(0), crc: z.number().int().min(0) });

/** What a progress file says. */
export interface Progress {
  readonly stored: StoredSnapshot;
  /** Rising. */
  readonly steps: readonly SnapshotFile[];
}

/** Reads one; null where there is none that can be read. */
export async function readProgress(env: SnapshotEnv, path: string): Promise<Progress | null> {
  const bytes = await readWhole(env.disk, path);
  if (bytes === null || bytes.length < HEAD_BYTES) return null;
  const view = viewOf(bytes);
  const end = HEAD_BYTES + view.getUint32(8, true);
  const json = bytes.subarray(HEAD_BYTES, end);
  const isWhole = view.getUint32(0, true) === MAGIC && view.getUint32(4, true) === VERSION &&
    end <= bytes.length && view.getUint32(12, true) === env.hash.crc32(json);
  if (!isWhole) return null;
  return { stored: storedOf(json), steps: stepsOf(bytes.subarray(end), env.hash.crc32) };
}

/** Begins one; gives where its first step goes. */
export async function beginProgress(
  env: SnapshotEnv,
  path: string,
  stored: StoredSnapshot,
): Promise<number> {
  const { crc32 } = env.hash;
  const json = jsonOf(stored);
  const bytes = new Uint8Array(HEAD_BYTES + json.length);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, json.length, true);
  view.setUint32(12, crc32(json), true);
  bytes.set(json, HEAD_BYTES);
  await writeTo(await env.disk.open(path, { write: true, create: true, truncate: true }), bytes, 0);
  return bytes.length;
}

/** Notes a step at `offset`; gives where the next one goes. */
export async function noteStep(
  env: SnapshotEnv,
  path: string,
  offset: number,
  { bytes, crc }: SnapshotFile,
): Promise<number> {
  const step = new Uint8Array(STEP_BYTES);
  const view = viewOf(step);
  view.setFloat64(0, bytes, true);
  view.setUint32(8, crc, true);
  const check = env.hash.crc32(step.subarray(0, STEP_CRC_OFFSET));
  view.setUint32(STEP_CRC_OFFSET, check, true);
  await writeTo(await env.disk.open(path, { write: true }), step, offset);
  return offset + STEP_BYTES;
}

async function writeTo(file: DiskFile, bytes: Uint8Array, offset: number): Promise<void> {
  try {
    await file.write(bytes, offset);
  } finally {
    await file.close();
  }
}

function stepsOf(bytes: Uint8Array, crc32: Crc32): SnapshotFile[] {
  const view = viewOf(bytes);
  const steps: SnapshotFile[] = [];
  for (let at = 0; at + STEP_BYTES <= bytes.length; at += STEP_BYTES) {
    const crc = crc32(bytes.subarray(at, at + STEP_CRC_OFFSET));
    const step = { bytes: view.getFloat64(at, true), crc: view.getUint32(at + 8, true) };
    const isWhole = crc === view.getUint32(at + STEP_CRC_OFFSET, true);
    if (isWhole && step.bytes > (steps.at(-1)?.bytes ?? 0)) steps.push(step);
  }
  return steps;
}

function jsonOf({ snapshot, file }: StoredSnapshot): Uint8Array {
  const meta = new TextDecoder().decode(encodeSnapshotMeta(snapshot));
  return new TextEncoder().encode(JSON.stringify([meta, { bytes: file.bytes, crc: file.crc }]));
}

function storedOf(json: Uint8Array): StoredSnapshot {
  const [meta, file] = z.tuple([z.string(), fileSchema])
    .parse(JSON.parse(new TextDecoder().decode(json)));
  return { snapshot: decodeSnapshotMeta(new TextEncoder().encode(meta)), file };
}
