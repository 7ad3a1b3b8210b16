import assert from "node:assert/strict";
import { StateClock } from "../../../actors/scheduler/state_clock.ts";

Deno.test("the time of a state goes on between its stamps, and never back", () => {
  let monotonicMs = 500;
  const clock = new StateClock({ now: () => 9_000, monotonic: () => monotonicMs }, 10_000);
  monotonicMs += 250;
  assert.equal(clock.now(10_000), 10_250);
  assert.equal(clock.now(10_100), 10_250, "an older stamp");
  assert.equal(clock.now(90_000), 90_000, "a stamp of a clock that was set");
  monotonicMs += 1_000;
  assert.equal(clock.now(90_000), 91_000, "stamps that stand still");
});

Deno.test("the time before somebody looked has passed as well", () => {
  const clock = new StateClock({ now: () => 60_000, monotonic: () => 7 }, 10_000);
  assert.equal(clock.now(10_000), 60_000);
});
