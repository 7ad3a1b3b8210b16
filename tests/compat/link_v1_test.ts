import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { Assembly } from "../../runtime/remote/fragments.ts";
import { decodeFrame } from "../../runtime/remote/frames.ts";
import {
  parseControlRecord,
  parseMessageRecord,
  parseReplyRecord,
} from "../../runtime/remote/records.ts";
import type { Lane, WireRecord } from "../../runtime/remote/wire.ts";
import { FRAGMENTED, HANDSHAKE, PACKS, SHARED, writtenFrames } from "./link_v1.ts";

const FOLDER = new URL("./link_v1/", import.meta.url);
const LIMITS = { handshakeBytes: 16_384, messageBytes: 1_000_000 };

async function frozen(file: string): Promise<Uint8Array> {
  const text = await readFile(new URL(file, FOLDER), "utf8");
  return Uint8Array.fromHex(text.replaceAll("\n", ""));
}

function recordOf(lane: Lane, raw: unknown): WireRecord {
  if (lane === "control") return parseControlRecord(raw);
  return lane === "reply" ? parseReplyRecord(raw) : parseMessageRecord(raw);
}

Deno.test("the frames of version 1 are written to the byte as they were frozen", async () => {
  const written = writtenFrames();
  assert.deepStrictEqual((await readdir(FOLDER)).sort(), [...written.keys()].sort());
  for (const [file, frame] of written) {
    assert.deepStrictEqual(frame, await frozen(file), file);
  }
});

Deno.test("the frozen packs of version 1 are read as what they held", async () => {
  for (const { file, lane, records } of PACKS) {
    const frame = decodeFrame(await frozen(file), LIMITS);
    assert(frame.kind === "pack");
    assert.equal(frame.lane, lane);
    assert.deepStrictEqual(frame.records.map((raw) => recordOf(lane, raw)), records, file);
  }
});

Deno.test("the frozen records of one head are read as if each had it", async () => {
  const frame = decodeFrame(await frozen(SHARED.file), LIMITS);
  assert(frame.kind === "pack");
  const expected = SHARED.records.map(({ head, own, body }) => ({
    ...SHARED.heads[head],
    ...own,
    body,
  }));
  assert.deepStrictEqual(frame.records.map(parseMessageRecord), expected);
});

Deno.test("the frozen handshake of version 1 is read as what it was", async () => {
  const frame = decodeFrame(await frozen("handshake.hex"), LIMITS);
  assert.deepStrictEqual(frame, { kind: "handshake", message: HANDSHAKE });
});

Deno.test("the frozen fragments of version 1 come together as their pack", async () => {
  const assembly = new Assembly(LIMITS.messageBytes);
  let whole: Uint8Array | null = null;
  for (let number = 1; whole === null; number += 1) {
    const frame = decodeFrame(await frozen(`fragment_${number}.hex`), LIMITS);
    assert(frame.kind === "fragment");
    whole = assembly.add(frame);
  }
  assert.deepStrictEqual(whole, await frozen(FRAGMENTED.file));
});
