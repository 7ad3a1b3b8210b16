/** Segments are read again by themselves: spread over time, slowly, and damage is mended and told. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ArchiveChecks,
  checked,
  isIdle,
  nextDue,
  pauseBefore,
  roundEnded,
  UNCHECKED,
} from "../../../actors/archive/checks.ts";
import { VERIFY_LIMITS, type VerifyLimits } from "../../../actors/archive/limits.ts";
import { ArchiveStore } from "../../../actors/archive/store.ts";
import { verifyNext } from "../../../actors/archive/verifier.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { endedRun, Log } from "./ended_runs.ts";

const DAY_MS = 86_400_000;
const LIMITS = limitValues(VERIFY_LIMITS);

Deno.test("in a round every segment is checked once, the round's time in equal parts between them", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 })), (held) => {
    let checks: ArchiveChecks = { ...UNCHECKED, roundBeganMs: DAY_MS };
    let nowMs = DAY_MS;
    const seen: number[] = [];
    const part = LIMITS.archiveVerifyMs / Math.max(1, held.length);
    for (let number = nextDue(checks, held); number !== null; number = nextDue(checks, held)) {
      // Waits of more than an hour are several.
      for (let leftMs = part; leftMs > 1;) {
        const ms = pauseBefore(checks, held, nowMs, { ...LIMITS, archiveVerifyLookMs: Infinity });
        assert.ok(Math.abs(ms - part) < 1, `${ms} instead of ${part}`);
        nowMs += ms;
        leftMs -= ms;
      }
      seen.push(number);
      checks = checked(checks, number, false, nowMs);
    }
    assert.deepEqual(seen, [...held].sort((a, b) => a - b));
    assert.ok(nowMs <= DAY_MS + LIMITS.archiveVerifyMs + 1);
    const ended = roundEnded(checks, nowMs);
    assert.equal(ended.verifiedMs, nowMs);
    assert.equal(isIdle(ended, held), held.length === 0);
  }));
});

Deno.test("a clock that was set, or a round that is late, costs neither a pause of years nor a loop", () => {
  for (const nowMs of [0, 50_000 * DAY_MS]) {
    const ms = pauseBefore({ ...UNCHECKED, roundBeganMs: 20_000 * DAY_MS }, [1, 2], nowMs, LIMITS);
    assert.ok(ms >= LIMITS.archiveVerifyPauseMs && ms <= LIMITS.archiveVerifyLookMs, String(ms));
  }
});

async function stored(env: SimulatedEnv) {
  const log = new Log();
  log.apply(...endedRun("one", 100), ...endedRun("two", 1));
  const cuts = [await log.cut(env, "one"), await log.cut(env, "two")];
  const store = await env.world.complete(ArchiveStore.open(env, "/archive"));
  for (const { record, rows } of cuts) {
    // deno-lint-ignore require-yield
    const nobody = async function* (): AsyncIterable<Uint8Array> {
      throw new Error("nobody is asked");
    };
    await env.world.complete(store.take(record, rows, nobody));
  }
  return { log, store };
}

function verifier(env: SimulatedEnv, store: ArchiveStore, limits: Partial<VerifyLimits> = {}) {
  return { clock: env.clock, timers: env.timers, store, limits: { ...LIMITS, ...limits } };
}

Deno.test("a check reads no faster than it may, and ends at once when it is told to", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { log, store } = await stored(env);
  const [name] = await env.world.complete(store.files.list());
  const { size } = (await env.world.complete(store.files.read(name!, 0, 1)))!;
  const context = verifier(env, store, { archiveVerifyPerSecond: 1_000 });
  const never = new AbortController().signal;
  const beganMs = env.clock.monotonic();
  const result = await env.world.complete(verifyNext(context, log.state, never));
  assert.deepEqual(result, { damaged: null });
  assert.ok(env.clock.monotonic() - beganMs >= size - 1, `${size} bytes`);
  const stop = new AbortController();
  const stopped = verifyNext(context, log.state, stop.signal);
  env.timers.after(10, () => stop.abort(new Error("stopped")));
  await assert.rejects(env.world.complete(stopped), /stopped/);
  await env.world.complete(store.close());
});

Deno.test("checks go on where they were when the archive is opened again", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { log, store } = await stored(env);
  const { signal } = new AbortController();
  await env.world.complete(verifyNext(verifier(env, store), log.state, signal));
  assert.equal(store.checks.through, 1);
  await env.world.complete(store.close());
  const again = await env.world.complete(ArchiveStore.open(env, "/archive"));
  assert.deepEqual(again.checks, store.checks);
  await env.world.complete(verifyNext(verifier(env, again), log.state, signal));
  await env.world.complete(verifyNext(verifier(env, again), log.state, signal));
  assert.equal(again.checks.through, 0);
  assert.equal(again.checks.segments, 2);
  assert.notEqual(again.checks.verifiedMs, null);
  await env.world.complete(again.close());
});

Deno.test("a chain that the state itself breaks is damage", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { log, store } = await stored(env);
  const { archive } = log.state;
  const record = { ...archive.segments.get("2")!, previous: "ab".repeat(32) };
  const broken = { ...archive, segments: archive.segments.set("2", record) };
  const state = { ...log.state, archive: broken };
  const { signal } = new AbortController();
  const step = () => env.world.complete(verifyNext(verifier(env, store), state, signal));
  assert.deepEqual(await step(), { damaged: null });
  assert.deepEqual(await step(), { damaged: 2 });
  assert.equal(store.checks.damaged, 1);
  await env.world.complete(store.close());
});
