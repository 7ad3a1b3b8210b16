/** What clocks and timers do; the real and the simulated ones both run it. */

import assert from "node:assert/strict";
import type { Env } from "../../../runtime/env/env.ts";
import { type Side, suiteTest } from "./subject.ts";

function after(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => {
    env.timers.after(ms, resolve);
  });
}

function soon(env: Env): Promise<void> {
  return new Promise((resolve) => env.timers.soon(resolve));
}

/** Registers the suite for one side. */
export function timersSuite(side: Side): void {
  timers(side);
  turns(side);
}

function timers(side: Side): void {
  suiteTest(
    side,
    "a timer fires after its time, and not much before by either clock",
    async ({ env }) => {
      const [wall, monotonic] = [env.clock.now(), env.clock.monotonic()];
      await after(env, 30);
      assert.ok(env.clock.monotonic() - monotonic >= 29);
      assert.ok(env.clock.now() - wall >= 28);
      assert.ok(Number.isInteger(env.clock.now()));
    },
  );

  suiteTest(
    side,
    "timers fire in the order of their times, equal ones as they were set",
    async ({ env }) => {
      const order: string[] = [];
      const set = (ms: number, name: string) => env.timers.after(ms, () => order.push(name));
      set(20, "late");
      set(5, "early one");
      set(5, "early two");
      set(-1, "at once");
      await after(env, 30);
      assert.deepEqual(order, ["at once", "early one", "early two", "late"]);
    },
  );

  suiteTest(
    side,
    "a cancelled timer never fires, cancelling twice or late is fine",
    async ({ env }) => {
      let fired = 0;
      const cancelled = env.timers.after(5, () => fired += 10);
      const kept = env.timers.after(5, () => fired += 1);
      cancelled.cancel();
      cancelled.cancel();
      await after(env, 15);
      kept.cancel();
      assert.equal(fired, 1);
    },
  );
}

function turns(side: Side): void {
  suiteTest(
    side,
    "turns keep their order and let microtasks and due timers go first",
    async ({ env }) => {
      const order: string[] = [];
      env.timers.soon(() => order.push("first"));
      env.timers.soon(() => order.push("second"));
      await Promise.resolve().then(() => order.push("microtask"));
      await soon(env);
      assert.deepEqual(order, ["microtask", "first", "second"]);
    },
  );

  suiteTest(side, "a loop of turns does not starve a timer", async ({ env }) => {
    let fired = false;
    env.timers.after(5, () => fired = true);
    for (let turns = 0; turns < 2_000_000 && !fired; turns += 1) await soon(env);
    assert.ok(fired);
  });

  suiteTest(side, "random values are in range and differ", ({ env }) => {
    const values = Array.from({ length: 100 }, () => env.random.next());
    assert.ok(values.every((value) => value >= 0 && value < 1));
    assert.ok(new Set(values).size > 90);
    assert.equal(env.random.bytes(33).length, 33);
    assert.notDeepEqual(env.random.bytes(16), env.random.bytes(16));
    return Promise.resolve();
  });
}
