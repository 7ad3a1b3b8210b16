/** Reading whole snapshots, and checking that they are. */

import type { DiskFile } from "../../env/env.ts";
import { DiskError } from "../../env/errors.ts";
import { RaftError } from "../errors.ts";
import type { StoredSnapshot } from "../storage.ts";
import { unknownVersion } from "../wal/log_errors.ts";
import { decodeSnapshotMeta } from "../wal/snapshot_meta.ts";
import { decodeSnapshotHeader, SNAPSHOT_HEADER_BYTES, snapshotPath } from "./snapshot_format.ts";
import type { SnapshotEnv, SnapshotOptions } from "./snapshot_options.ts";

/** A whole snapshot and where its state begins. */
export interface ReadSnapshot {
  readonly stored: StoredSnapshot;
  readonly path: string;
  readonly stateOffset: number;
}

/** Fills `into` from `position` as far as the file goes. */
export async function readFully(
  file: DiskFile,
  into: Uint8Array,
  position: number,
): Promise<Uint8Array> {
  let length = 0;
  while (length < into.length) {
    const count = await file.read(into.subarray(length), position + length);
    if (count === 0) break;
    length += count;
  }
  return into.subarray(0, length);
}

/** The damage of a snapshot whose bytes were acknowledged. */
export function snapshotCorrupt(path: string, reason: string): RaftError {
  return new RaftError(
    "SnapshotCorrupt",
    `cannot read the snapshot ${path}: ${reason}; bring it back from a copy, or remove this member from its group and add it under a new id, as a learner, with an empty folder`,
    { details: { path } },
  );
}

/** Reads its header, and where `isWhole` all of it; `SnapshotCorrupt` where something is wrong. */
export async function checkSnapshot(
  env: SnapshotEnv,
  options: SnapshotOptions,
  path: string,
  isWhole: boolean,
): Promise<ReadSnapshot> {
  const file = await env.disk.open(path, { read: true });
  try {
    const found = await readHead(env, file, path);
    if (path !== snapshotPath(options.folder, found.stored)) {
      throw snapshotCorrupt(path, "it is not what its name says");
    }
    const { chunkBytes } = options.limits;
    if (isWhole) {
      for await (const piece of statePieces(env, file, found, chunkBytes)) void piece;
    }
    return found;
  } finally {
    await file.close();
  }
}

/** The state in pieces of at most `pieceBytes`, and an error at the end where its CRC is wrong. */
async function* statePieces(
  env: SnapshotEnv,
  file: DiskFile,
  { stored, path, stateOffset }: ReadSnapshot,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes, crc } = stored.file;
  let running = 0;
  for (let at = 0; at < bytes;) {
    const wanted = new Uint8Array(Math.min(pieceBytes, bytes - at));
    const piece = await readFully(file, wanted, stateOffset + at);
    if (piece.length === 0) throw snapshotCorrupt(path, `it ends after ${at} of ${bytes} B`);
    running = env.hash.crc32(piece, running);
    at += piece.length;
    yield piece;
  }
  if (running !== crc) throw snapshotCorrupt(path, "its state is damaged (CRC-32)");
}

/** Up to `length` bytes of the state; null where the file is gone. */
export async function readState(
  env: SnapshotEnv,
  { path, stateOffset, stored }: ReadSnapshot,
  offset: number,
  length: number,
): Promise<Uint8Array | null> {
  const left = Math.max(0, Math.min(length, stored.file.bytes - offset));
  let file: DiskFile;
  try {
    file = await env.disk.open(path, { read: true });
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "notFound") return null;
    throw thrown;
  }
  try {
    const bytes = await readFully(file, new Uint8Array(left), stateOffset + offset);
    if (bytes.length < left) throw snapshotCorrupt(path, "it is shorter than its header says");
    return bytes;
  } finally {
    await file.close();
  }
}

async function readHead(env: SnapshotEnv, file: DiskFile, path: string): Promise<ReadSnapshot> {
  const { crc32 } = env.hash;
  const header = decodeSnapshotHeader(
    await readFully(file, new Uint8Array(SNAPSHOT_HEADER_BYTES), 0),
    crc32,
  );
  if (header.kind === "version") throw unknownVersion(path, header.version);
  const { size } = await file.stat();
  if (header.kind === "damaged" || header.metaBytes > size) {
    throw snapshotCorrupt(path, "its header is damaged");
  }
  const meta = await readFully(file, new Uint8Array(header.metaBytes), SNAPSHOT_HEADER_BYTES);
  if (crc32(meta) !== header.metaCrc) throw snapshotCorrupt(path, "its meta is damaged (CRC-32)");
  const stateOffset = SNAPSHOT_HEADER_BYTES + header.metaBytes;
  return { stored: { snapshot: decodeSnapshotMeta(meta), file: header.file }, path, stateOffset };
}

/** The state of a whole snapshot, piece by piece. */
export async function* piecesOf(
  env: SnapshotEnv,
  read: ReadSnapshot,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await env.disk.open(read.path, { read: true });
  try {
    yield* statePieces(env, file, read, pieceBytes);
  } finally {
    await file.close();
  }
}
