import assert from "node:assert/strict";
import fc from "fast-check";
import { looksSame } from "../../../actors/job/conflict.ts";
import { ChunkDigests } from "../../../actors/job/digests.ts";
import { Meter } from "../../../actors/job/meter.ts";
import { candidateName } from "../../../actors/job/names.ts";
import { retryAtMs, retryDelayMs } from "../../../actors/job/retry.ts";
import { checkLevel, checkSize, compareHashes } from "../../../actors/job/verify.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import type { SourceFacts } from "../../../protocols/contract.ts";
import type { RetrySpec, ValidationSpec } from "../../../workflows/spec.ts";

const RETRY: RetrySpec = {
  maxAttempts: 4,
  backoff: "exponential",
  initialDelayMs: 100,
  maxDelayMs: 1_000,
  multiplier: 3,
};
const FAILED = { code: "io", message: "", retryable: true, definite: true };

Deno.test("delays grow as declared, up to their bound, and the upper half is random", () => {
  const delays = (backoff: RetrySpec["backoff"], random: number) =>
    [1, 2, 3, 4].map((failures) => retryDelayMs({ ...RETRY, backoff }, failures, random));
  assert.deepEqual(delays("exponential", 1), [100, 300, 900, 1_000]);
  assert.deepEqual(delays("linear", 1), [100, 200, 300, 400]);
  assert.deepEqual(delays("fixed", 1), [100, 100, 100, 100]);
  assert.deepEqual(delays("fixed", 0), [50, 50, 50, 50]);
});

Deno.test("a delay is always a number between half the bound's step and the bound", () => {
  const spec = fc.record({
    maxAttempts: fc.constant(1_000_000),
    backoff: fc.constantFrom("exponential" as const, "linear" as const, "fixed" as const),
    initialDelayMs: fc.integer({ min: 1, max: 1e6 }),
    maxDelayMs: fc.integer({ min: 1, max: 1e9 }),
    multiplier: fc.double({ min: 1, max: 100, noNaN: true }),
  });
  const failures = fc.integer({ min: 1, max: 100_000 });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(spec, failures, random, (retry, count, spread) => {
    const delay = retryDelayMs(retry, count, spread);
    assert.ok(delay >= 0 && delay <= retry.maxDelayMs, `${delay}`);
  }));
});

Deno.test("Retry-After is honoured where it asks for more patience", () => {
  const at = (retryAfterMs: number) => retryAtMs(RETRY, 1, { ...FAILED, retryAfterMs }, 1_000, 1);
  assert.equal(at(5_000), 6_000);
  assert.equal(at(10), 1_100);
});

Deno.test("what would fail again, or has failed often enough, is not retried", () => {
  assert.equal(retryAtMs(RETRY, 1, { ...FAILED, retryable: false }, 0, 0), null);
  assert.notEqual(retryAtMs(RETRY, 3, FAILED, 0, 0), null);
  assert.equal(retryAtMs(RETRY, 4, FAILED, 0, 0), null);
});

const NOTHING: ValidationSpec = { minBytes: null, maxBytes: null, checksum: null, level: "none" };

function facts(sha256: string | null, size: number | null = 5): SourceFacts {
  const fingerprint = { size, mtimeMs: null, etag: null, version: null };
  return { fingerprint, ranges: true, mode: null, sha256 };
}

Deno.test("sizes are checked inclusively", () => {
  const validation = { ...NOTHING, minBytes: 3, maxBytes: 5 };
  for (const bytes of [3, 4, 5]) checkSize(validation, bytes, "it");
  for (const bytes of [2, 6]) {
    assert.throws(() => checkSize(validation, bytes, "it"), { code: "sizeRefused" });
  }
});

Deno.test("the level that hashes reach is that of who vouches for them", () => {
  const declared = (valueHex: string | null, required = true): ValidationSpec => ({
    ...NOTHING,
    checksum: { algorithm: "sha256", valueHex, required },
  });
  assert.equal(compareHashes(NOTHING, facts(null, null), "aa"), "none");
  assert.equal(compareHashes(NOTHING, facts(null), "aa"), "size");
  assert.equal(compareHashes(NOTHING, facts("aa"), "aa"), "source");
  assert.equal(compareHashes(declared("aa"), facts(null), "aa"), "source");
  assert.equal(compareHashes(declared(null, false), facts(null), "aa"), "size");
  const unavailable = { code: "verificationUnavailable" };
  assert.throws(() => compareHashes(declared(null), facts(null), "aa"), unavailable);
  const mismatch = (retryable: boolean) => ({ code: "checksumMismatch", retryable });
  assert.throws(() => compareHashes(declared("bb"), facts("aa"), "aa"), mismatch(false));
  assert.throws(() => compareHashes(NOTHING, facts("bb"), "aa"), mismatch(true));
  assert.throws(() => compareHashes(declared("aa"), facts(null), null), unavailable);
});

Deno.test("a level is never lowered silently", () => {
  const order = ["none", "size", "source", "reread"] as const;
  for (const [asked, low] of order.entries()) {
    for (const [reached, high] of order.entries()) {
      const check = () => checkLevel(low, high);
      if (reached >= asked) check();
      else assert.throws(check, { code: "verificationUnavailable" });
    }
  }
});

Deno.test("chunk digests behave like a sparse array through any sequence of changes", () => {
  const hash = simulatedEnv({ seed: 1 }).hash;
  const digest = (n: number) => n.toString(16).padStart(64, "1");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), at: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("cut" as const), at: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("look" as const), at: fc.constant(0) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const digests = new ChunkDigests();
    const model: (string | undefined)[] = [];
    for (const { kind, at } of steps) {
      if (kind === "set") digests.set(at, model[at] = digest(at));
      if (kind === "cut") {
        digests.cut(at);
        model.length = Math.min(model.length, at);
      }
      const gap = model.findIndex((one) => one === undefined);
      const first = Array.from(model).findIndex((one) => one === undefined);
      assert.equal(digests.contiguous(), first < 0 ? model.length : first, `${gap}`);
      assert.equal(digests.count, model.length);
      for (let chunk = 0; chunk < 42; chunk++) {
        assert.equal(digests.has(chunk), model[chunk] !== undefined);
        if (model[chunk] !== undefined) assert.equal(digests.get(chunk), model[chunk]);
      }
    }
    const copy = new ChunkDigests(digests.bytes());
    assert.equal(copy.root(hash), digests.root(hash));
    assert.equal(copy.contiguous(), digests.contiguous());
  }));
});

Deno.test("the meter tells rate and time left of a steady stream, and nothing of a silent one", () => {
  let nowMs = 0;
  const meter = new Meter({ now: () => nowMs, monotonic: () => nowMs });
  meter.totalBytes = 100_000;
  assert.equal(meter.read().etaMs, null);
  for (let second = 1; second <= 20; second++) {
    nowMs = second * 1_000;
    meter.fetchedBytes = second * 1_000;
    meter.read();
  }
  const steady = meter.read();
  assert.ok(Math.abs(steady.bytesPerSecond - 1_000) < 10, `${steady.bytesPerSecond}`);
  assert.ok(Math.abs(steady.etaMs! - 80_000) < 1_000, `${steady.etaMs}`);
  nowMs += 60_000;
  assert.equal(meter.read().bytesPerSecond, 0);
  assert.equal(meter.read().etaMs, null);
});

Deno.test("kept bytes count as done, not as speed", () => {
  let nowMs = 0;
  const meter = new Meter({ now: () => nowMs, monotonic: () => nowMs });
  meter.totalBytes = 1_000;
  meter.keptBytes = 900;
  nowMs = 1_000;
  const seen = meter.read();
  assert.deepEqual([seen.doneBytes, seen.bytesPerSecond], [900, 0]);
});

Deno.test("an equal file has the size and, to the second, the time of its source", () => {
  const source = (size: number | null, mtimeMs: number | null): SourceFacts => ({
    ...facts(null),
    fingerprint: { size, mtimeMs, etag: null, version: null },
  });
  const existing = { size: 5, mtimeMs: 10_000, fileId: null };
  assert.equal(looksSame(source(5, 10_999), existing), true);
  assert.equal(looksSame(source(5, 11_001), existing), false);
  assert.equal(looksSame(source(6, 10_000), existing), false);
  assert.equal(looksSame(source(null, 10_000), existing), false);
  assert.equal(looksSame(source(5, null), existing), false);
});

Deno.test("further names carry their number before the extension", () => {
  const names: readonly [string, number, string][] = [
    ["report.csv", 0, "report.csv"],
    ["report.csv", 2, "report (2).csv"],
    ["archive.tar.gz", 1, "archive.tar (1).gz"],
    ["README", 1, "README (1)"],
    [".profile", 1, ".profile (1)"],
  ];
  for (const [name, n, expected] of names) assert.equal(candidateName(name, n), expected);
});
