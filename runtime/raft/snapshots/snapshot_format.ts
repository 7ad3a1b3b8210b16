/**
 * A snapshot on disk, version 1: header (40 B, little-endian): magic `QRSN`, version u32, length of the
 * meta u32, CRC-32 of the state u32, length of the state f64, CRC-32 of the meta u32, 8 B zero, CRC-32
 * of these 36 B u32; the meta as JSON; the state. The header is written last, before the file gets its
 * name: `snapshot-INDEX-TERM-CRC.qrs`.
 */

import { type Crc32, viewOf } from "../../store/journal_format.ts";
import type { SnapshotMeta } from "../core/entry.ts";
import type { SnapshotFile } from "../core/messages.ts";
import type { StoredSnapshot } from "../storage.ts";
import { encodeSnapshotMeta } from "../wal/snapshot_meta.ts";

export const SNAPSHOT_HEADER_BYTES = 40;
/** The version that is written, and the only one that is read so far. */
export const SNAPSHOT_VERSION = 1;

const MAGIC = 0x4e535251; // "QRSN"
const VERSION_OFFSET = 4;
const META_LENGTH_OFFSET = 8;
const STATE_CRC_OFFSET = 12;
const STATE_LENGTH_OFFSET = 16;
const META_CRC_OFFSET = 24;
const CRC_OFFSET = 36;
const NAME = /^snapshot-(\d{16})-(\d{16})-([0-9a-f]{8})\.qrs$/;

/** What the header of a snapshot says. */
export type SnapshotHeader =
  | {
    readonly kind: "header";
    readonly metaBytes: number;
    readonly metaCrc: number;
    readonly file: SnapshotFile;
  }
  | { readonly kind: "damaged" }
  | { readonly kind: "version"; readonly version: number };

/** The path of a whole snapshot. */
export function snapshotPath(folder: string, { snapshot, file }: StoredSnapshot): string {
  const place = [snapshot.index, snapshot.term].map((part) => String(part).padStart(16, "0"));
  return `${folder}/snapshot-${place.join("-")}-${file.crc.toString(16).padStart(8, "0")}.qrs`;
}

/** The index that the name of a snapshot says; null for another file. */
export function snapshotIndexOf(name: string): number | null {
  const match = NAME.exec(name);
  return match === null ? null : Number(match[1]);
}

/** The bytes before the state: zeros for a header, and the meta. */
export function encodeHead(meta: SnapshotMeta): Uint8Array {
  const json = encodeSnapshotMeta(meta);
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES + json.length);
  bytes.set(json, SNAPSHOT_HEADER_BYTES);
  return bytes;
}

/** The header over a head made by {@link encodeHead}, once the state is known. */
export function encodeSnapshotHeader(
  head: Uint8Array,
  file: SnapshotFile,
  crc32: Crc32,
): Uint8Array {
  const meta = head.subarray(SNAPSHOT_HEADER_BYTES);
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(VERSION_OFFSET, SNAPSHOT_VERSION, true);
  view.setUint32(META_LENGTH_OFFSET, meta.length, true);
  view.setUint32(STATE_CRC_OFFSET, file.crc, true);
  view.setFloat64(STATE_LENGTH_OFFSET, file.bytes, true);
  view.setUint32(META_CRC_OFFSET, crc32(meta), true);
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/** Reads a header. */
export function decodeSnapshotHeader(bytes: Uint8Array, crc32: Crc32): SnapshotHeader {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) return { kind: "damaged" };
  const view = viewOf(bytes);
  const crc = crc32(bytes.subarray(0, CRC_OFFSET));
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(CRC_OFFSET, true) !== crc) {
    return { kind: "damaged" };
  }
  const version = view.getUint32(VERSION_OFFSET, true);
  if (version !== SNAPSHOT_VERSION) return { kind: "version", version };
  return {
    kind: "header",
    metaBytes: view.getUint32(META_LENGTH_OFFSET, true),
    metaCrc: view.getUint32(META_CRC_OFFSET, true),
    file: {
      bytes: view.getFloat64(STATE_LENGTH_OFFSET, true),
      crc: view.getUint32(STATE_CRC_OFFSET, true),
    },
  };
}

/** Whether two names of a snapshot mean the same bytes. */
export function isSameSnapshot(one: StoredSnapshot, other: StoredSnapshot): boolean {
  return one.snapshot.index === other.snapshot.index &&
    one.snapshot.term === other.snapshot.term &&
    one.file.bytes === other.file.bytes && one.file.crc === other.file.crc;
}
