/**
 * Frames of links without a link: records of a small message packed a hundred to a frame and read
 * again, beside JSON alone, and a byte field of 8 MiB beside a bare copy of it.
 */

import { Assembly, fragments } from "../../runtime/remote/fragments.ts";
import { decodeFrame, encodePack, packRecord } from "../../runtime/remote/frames.ts";
import { parseMessageRecord } from "../../runtime/remote/records.ts";
import type { MessageRecord } from "../../runtime/remote/wire.ts";
import { alternate, type Report } from "./report.ts";

const ROUNDS = 9;
const NAME = "frames";
const PACKS = 2_000;
const PER_PACK = 100;
const CHUNK_BYTES = 8 * 2 ** 20;
const CHUNKS = 60;
const FRAGMENT_BYTES = 64 * 2 ** 10;
const LIMITS = { handshakeBytes: 16_384, messageBytes: 256 * 2 ** 20 };

function record(index: number, body: unknown): MessageRecord {
  return {
    v: 1,
    type: "bench.counter/add",
    to: "counter/one",
    from: `quorus://node-a/sender/${index % 10}`,
    body,
  };
}

const plain = Array.from({ length: PER_PACK }, (_, index) => record(index, { amount: index }));
const tagged = plain.map((_, index) => record(index, { amount: BigInt(index), note: undefined }));

function perSecond(count: number, startedMs: number): number {
  return count / ((performance.now() - startedMs) / 1_000);
}

function encode(records: readonly MessageRecord[]): number {
  const startedMs = performance.now();
  let bytes = 0;
  for (let pack = 0; pack < PACKS; pack += 1) {
    bytes += encodePack("message", records.map(packRecord)).length;
  }
  if (bytes === 0) throw new Error("nothing was encoded");
  return perSecond(PACKS * PER_PACK, startedMs);
}

function decode(records: readonly MessageRecord[]): number {
  const frame = encodePack("message", records.map(packRecord));
  const startedMs = performance.now();
  let versions = 0;
  for (let pack = 0; pack < PACKS; pack += 1) {
    const read = decodeFrame(frame, LIMITS);
    if (read.kind !== "pack") throw new Error("not a pack");
    for (const raw of read.records) versions += parseMessageRecord(raw).v;
  }
  if (versions !== PACKS * PER_PACK) throw new Error("records were lost");
  return perSecond(PACKS * PER_PACK, startedMs);
}

function stringifyAlone(): number {
  const startedMs = performance.now();
  let characters = 0;
  for (let pack = 0; pack < PACKS; pack += 1) {
    for (const item of plain) characters += JSON.stringify(item).length;
  }
  if (characters === 0) throw new Error("nothing was encoded");
  return perSecond(PACKS * PER_PACK, startedMs);
}

function parseAlone(): number {
  const bytes = new TextEncoder().encode(JSON.stringify(plain));
  const decoder = new TextDecoder();
  const startedMs = performance.now();
  let records = 0;
  for (let pack = 0; pack < PACKS; pack += 1) records += JSON.parse(decoder.decode(bytes)).length;
  if (records !== PACKS * PER_PACK) throw new Error("records were lost");
  return perSecond(PACKS * PER_PACK, startedMs);
}

const chunk = new Uint8Array(CHUNK_BYTES).fill(7);

function megabytesPerSecond(startedMs: number): number {
  return perSecond(CHUNKS * CHUNK_BYTES / 1e6, startedMs);
}

function encodeChunks(): number {
  const startedMs = performance.now();
  for (let index = 0; index < CHUNKS; index += 1) {
    encodePack("bulk", [packRecord(record(index, { offset: index, chunk }))]);
  }
  return megabytesPerSecond(startedMs);
}

function decodeChunks(): number {
  const frame = encodePack("bulk", [packRecord(record(0, { offset: 0, chunk }))]);
  const startedMs = performance.now();
  for (let index = 0; index < CHUNKS; index += 1) {
    const read = decodeFrame(frame, LIMITS);
    if (read.kind !== "pack") throw new Error("not a pack");
    parseMessageRecord(read.records[0]);
  }
  return megabytesPerSecond(startedMs);
}

/** Both sides of a chunk that is longer than a frame. */
function fragmentChunks(): number {
  const startedMs = performance.now();
  const assembly = new Assembly(LIMITS.messageBytes);
  for (let index = 0; index < CHUNKS; index += 1) {
    const frame = encodePack("bulk", [packRecord(record(index, { offset: index, chunk }))]);
    let whole: Uint8Array | null = null;
    for (const bytes of fragments(frame, FRAGMENT_BYTES)) {
      const fragment = decodeFrame(bytes, LIMITS);
      if (fragment.kind === "fragment") whole = assembly.add(fragment);
    }
    if (whole?.length !== frame.length) throw new Error("fragments were lost");
  }
  return megabytesPerSecond(startedMs);
}

function copyAlone(): number {
  const startedMs = performance.now();
  for (let index = 0; index < CHUNKS; index += 1) new Uint8Array(CHUNK_BYTES + 100).set(chunk, 100);
  return megabytesPerSecond(startedMs);
}

function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, index) => value / theirs[index]!);
}

/** Prints every figure of this benchmark. */
export async function bench(report: Report): Promise<void> {
  const show = (measure: string, unit: string, values: number[], aim?: string): void =>
    report({ bench: NAME, measure, unit, values, ...(aim === undefined ? {} : { aim }) });
  const records = await alternate(ROUNDS, {
    encode: () => encode(plain),
    decode: () => decode(plain),
    encodeTagged: () => encode(tagged),
    decodeTagged: () => decode(tagged),
    stringify: stringifyAlone,
    parse: parseAlone,
  });
  show("encode", "record/s", records.encode, ">=1500000");
  show("encode_json_alone", "record/s", records.stringify);
  show("decode", "record/s", records.decode, ">=1000000");
  show("decode_json_alone", "record/s", records.parse);
  show("encode_vs_json_alone", "ratio", ratios(records.encode, records.stringify));
  show("decode_vs_json_alone", "ratio", ratios(records.decode, records.parse));
  show("encode_tagged", "record/s", records.encodeTagged);
  show("decode_tagged", "record/s", records.decodeTagged);
  const chunks = await alternate(ROUNDS, {
    encode: encodeChunks,
    decode: decodeChunks,
    fragments: fragmentChunks,
    copy: copyAlone,
  });
  show("encode_8mib", "MB/s", chunks.encode, ">=2000");
  show("encode_8mib_copy_alone", "MB/s", chunks.copy);
  show("decode_8mib", "MB/s", chunks.decode, ">=2000");
  show("encode_fragment_join_8mib", "MB/s", chunks.fragments);
}
