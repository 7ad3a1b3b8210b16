import assert from "node:assert/strict";
import fc from "fast-check";
import type { Job, Receipt } from "../../../actors/job/record.ts";
import { HostCaps } from "../../../actors/scheduler/host_caps.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";

const LIMITS = { hostCapSettleMs: 10_000, hostCapForgetMs: 600_000 };
const MOST = 64;

function ended(code: string | null): Pick<Job, "spec" | "error" | "receipt"> {
  const spec = {
    source: { uri: "sftp://files.example/a" },
    destination: { uri: "file:///b" },
  } as TransferSpec;
  const error = code === null ? null : { code, message: "", retryable: true, definite: true };
  return { spec, error, receipt: code === null ? {} as Receipt : null };
}

/** Tells what attempts come to, with so many running. */
function seen(caps: HostCaps, code: string | null, running: number, nowMs: number): number | null {
  caps.ended(ended(code), () => running, MOST, nowMs);
  return caps.of("files.example", "source")?.most ?? null;
}

Deno.test("a host that has too much to do is given half as many, and one more with each round of successes", () => {
  const caps = new HostCaps(LIMITS);
  assert.equal(seen(caps, null, 40, 0), null);
  assert.equal(seen(caps, "rateLimited", 40, 1_000), 20);
  assert.equal(seen(caps, "timeout", 39, 2_000), 20, "failures of one moment have one cause");
  assert.equal(seen(caps, "timeout", 20, 12_000), 10);
  for (let n = 0; n < 9; n += 1) assert.equal(seen(caps, null, 10, 13_000), 10);
  assert.equal(seen(caps, null, 10, 13_000), 11);
  assert.equal(caps.of("files.example", "source")?.code, "timeout");
  assert.equal(caps.of("files.example", "destination"), null, "the other end is a disk");
});

Deno.test("failures that say nothing of a load change nothing", () => {
  const caps = new HostCaps(LIMITS);
  for (const code of ["notFound", "denied", "checksumMismatch", "noSpace", "changed"]) {
    assert.equal(seen(caps, code, 40, 1_000), null, code);
  }
});

Deno.test("a host is as good as new when it has not failed for long, or bears all again", () => {
  const caps = new HostCaps(LIMITS);
  seen(caps, "unreachable", 2, 0);
  assert.equal(seen(caps, null, 1, 599_000), 2);
  assert.equal(seen(caps, null, 1, 601_000), null);
  seen(caps, "unreachable", 2, 700_000);
  const told = caps.ended(ended(null), () => 1, 2, 701_000);
  assert.deepEqual(told, [{ host: "files.example", side: "source", cap: null }]);
});

Deno.test("a cap is never below one, nor at what the settings say or above", () => {
  const step = fc.record({
    code: fc.constantFrom(null, null, null, "timeout", "rateLimited", "notFound"),
    running: fc.integer({ min: 1, max: 200 }),
    afterMs: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const caps = new HostCaps(LIMITS);
    let nowMs = 0;
    for (const { code, running, afterMs } of steps) {
      nowMs += afterMs;
      const most = seen(caps, code, running, nowMs);
      assert.ok(most === null || (most >= 1 && most < MOST), `${most}`);
    }
  }));
});
