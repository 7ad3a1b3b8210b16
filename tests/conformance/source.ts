/** Cases: reading. */

import assert from "node:assert/strict";
import { identifiesVersion } from "../../protocols/fingerprint.ts";
import {
  assertBytes,
  assertFails,
  concatenated,
  failure,
  fetched,
  NEVER,
  patterned,
  readToEnd,
  type SourceCase,
  sourceOf,
  toldSize,
} from "./case.ts";

const WHOLE = { start: 0, end: null };
const SIZE = 100_003;

export const sourceCases: readonly SourceCase[] = [
  {
    title: "reads a whole file and stays at its end",
    async run(place, harness) {
      await place.put("a.bin", patterned(SIZE));
      const source = sourceOf(harness, place, "a.bin");
      const reader = await source.open(WHOLE, null, NEVER);
      assertBytes(await readToEnd(reader), patterned(SIZE), "the file");
      assert.equal(await reader.read(new Uint8Array(10)), 0);
      assert.equal(await reader.read(new Uint8Array(10)), 0);
      await reader.confirm();
      await reader.close();
      await source.close();
    },
  },
  {
    title: "tells size and version without reading, the same as when opened",
    async run(place, harness) {
      await place.put("a.bin", patterned(SIZE));
      const source = sourceOf(harness, place, "a.bin");
      const facts = await source.stat(NEVER);
      assert.equal(facts.fingerprint.size, toldSize(place, SIZE));
      assert.ok(identifiesVersion(facts.fingerprint), "the fingerprint identifies a version");
      if (source.capabilities.mtime) assert.notEqual(facts.fingerprint.mtimeMs, null);
      if (source.capabilities.permissions) assert.notEqual(facts.mode, null);
      if (!source.capabilities.ranges) assert.equal(facts.ranges, false);
      const reader = await source.open(WHOLE, facts.fingerprint, NEVER);
      assert.deepEqual(reader.facts.fingerprint, facts.fingerprint);
      await reader.close();
      await source.close();
    },
  },
  {
    title: "reads an empty file as an end, and nothing else",
    async run(place, harness) {
      await place.put("empty", new Uint8Array(0));
      const source = sourceOf(harness, place, "empty");
      assert.equal((await source.stat(NEVER)).fingerprint.size, toldSize(place, 0));
      assert.equal((await fetched(source)).length, 0);
      await source.close();
    },
  },
  {
    title: "reads ranges at the start, in the middle, up to the end and of one byte",
    async run(place, harness) {
      const bytes = patterned(SIZE);
      await place.put("a.bin", bytes);
      const source = sourceOf(harness, place, "a.bin");
      const ranges = [[0, 10], [1, 2], [777, 60_000], [SIZE - 1, SIZE], [50_000, null]] as const;
      for (const [start, end] of ranges) {
        const call = () => fetched(source, { start, end });
        if (source.capabilities.ranges) {
          const what = `${start}-${end}`;
          assertBytes(await call(), bytes.slice(start, end ?? SIZE), what);
        } else {
          await assertFails(call, "rangeNotSupported", "a range that is not declared");
        }
      }
      await source.close();
    },
  },
  {
    title: "resumes at an offset when the source is still the same version",
    async run(place, harness) {
      const bytes = patterned(SIZE);
      await place.put("a.bin", bytes);
      const source = sourceOf(harness, place, "a.bin");
      if (!source.capabilities.ranges) return;
      const first = await source.open(WHOLE, null, NEVER);
      const buffer = new Uint8Array(30_000);
      const kept = await first.read(buffer);
      await first.close();
      const rest = await fetched(source, { start: kept, end: null }, first.facts.fingerprint);
      assertBytes(concatenated([buffer.slice(0, kept), rest]), bytes, "the resumed file");
      await source.close();
    },
  },
  {
    title: "reads several ranges at once where it declares them",
    async run(place, harness) {
      const bytes = patterned(SIZE);
      await place.put("a.bin", bytes);
      const source = sourceOf(harness, place, "a.bin");
      if (!source.capabilities.parallelRanges) return;
      const starts = [0, 25_000, 50_000, 75_000];
      const parts = await Promise.all(
        starts.map((start) => fetched(source, { start, end: Math.min(start + 25_000, SIZE) })),
      );
      assertBytes(concatenated(parts), bytes.slice(0, 100_000), "the ranges together");
      await source.close();
    },
  },
  {
    title: "refuses a range that starts beyond the end",
    async run(place, harness) {
      await place.put("a.bin", patterned(10));
      const source = sourceOf(harness, place, "a.bin");
      await assertFails(
        () => fetched(source, { start: 11, end: null }),
        ["rangeNotSupported", "changed", "truncated"],
        "a start beyond the end",
      );
      await source.close();
    },
  },
  {
    title: "serves a file without ranges as a whole and refuses parts of it",
    async run(place, harness) {
      if (place.noRanges === undefined) return;
      await place.put("a.bin", patterned(SIZE));
      await place.noRanges("a.bin");
      const source = sourceOf(harness, place, "a.bin");
      assertBytes(await fetched(source), patterned(SIZE), "the whole file");
      await assertFails(
        () => fetched(source, { start: 100, end: 200 }),
        "rangeNotSupported",
        "a range",
      );
      await source.close();
    },
  },
  {
    title: "reads a file that does not tell its size to its true end",
    async run(place, harness) {
      if (place.noLength === undefined) return;
      await place.put("a.bin", patterned(SIZE));
      await place.noLength("a.bin");
      const source = sourceOf(harness, place, "a.bin");
      const reader = await source.open(WHOLE, null, NEVER);
      assert.equal(reader.facts.fingerprint.size, null);
      assertBytes(await readToEnd(reader), patterned(SIZE), "the file");
      await reader.close();
      await source.close();
    },
  },
  {
    title: "says notFound for what is not there, whether it looks or opens",
    async run(place, harness) {
      const source = sourceOf(harness, place, "absent.bin");
      const stat = await assertFails(() => source.stat(NEVER), "notFound", "stat");
      assert.equal(stat.retryable, false);
      await assertFails(() => source.open(WHOLE, null, NEVER), "notFound", "open");
      await source.close();
    },
  },
  {
    title: "says denied for what it may not read",
    async run(place, harness) {
      if (place.deny === undefined) return;
      await place.put("secret.bin", patterned(10));
      await place.deny("secret.bin");
      const source = sourceOf(harness, place, "secret.bin");
      const codes = ["denied", "unauthenticated"] as const;
      const error = await assertFails(() => fetched(source), codes, "reading");
      assert.equal(error.retryable, false);
      await source.close();
    },
  },
  {
    title: "does nothing when its signal fired before",
    async run(place, harness) {
      await place.put("a.bin", patterned(10));
      const source = sourceOf(harness, place, "a.bin");
      const signal = AbortSignal.abort(new Error("no longer wanted"));
      await assertFails(() => source.stat(signal), "aborted", "stat");
      await assertFails(() => source.open(WHOLE, null, signal), "aborted", "open");
      await source.close();
    },
  },
  {
    title: "stops reading when its signal fires between two reads",
    async run(place, harness) {
      await place.put("a.bin", patterned(3_000_000));
      const source = sourceOf(harness, place, "a.bin");
      const abort = new AbortController();
      const reader = await source.open(WHOLE, null, abort.signal);
      await reader.read(new Uint8Array(1_000));
      abort.abort(new Error("no longer wanted"));
      const error = await failure(async () => await readToEnd(reader), "reading on");
      assert.equal(error.code, "aborted");
      await reader.close();
      await source.close();
    },
  },
  {
    title: "stops a read that waits for a silent source when its signal fires",
    async run(place, harness) {
      if (place.stall === undefined) return;
      await place.put("a.bin", patterned(SIZE));
      await place.stall("a.bin", 1_000);
      const source = sourceOf(harness, place, "a.bin");
      const abort = new AbortController();
      const reader = await source.open(WHOLE, null, abort.signal);
      let delivered = 0;
      const buffer = new Uint8Array(100);
      while (delivered < 1_000) delivered += await reader.read(buffer);
      const waiting = failure(() => reader.read(buffer), "the read under way");
      abort.abort(new Error("no longer wanted"));
      assert.equal((await waiting).code, "aborted");
      await reader.close();
      await source.close();
    },
  },
  {
    title: "can be closed twice, read to the end or not",
    async run(place, harness) {
      await place.put("a.bin", patterned(SIZE));
      const source = sourceOf(harness, place, "a.bin");
      for (const toTheEnd of [true, false]) {
        const reader = await source.open(WHOLE, null, NEVER);
        if (toTheEnd) await readToEnd(reader);
        await reader.close();
        await reader.close();
      }
      await source.close();
      await source.close();
    },
  },
];
