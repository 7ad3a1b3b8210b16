import assert from "node:assert/strict";
import { CoarseTimers } from "../../../runtime/env/real/coarse_timers.ts";

Deno.test("a coarse timer fires at most one step late, never early, and not when cancelled", async () => {
  const timers = new CoarseTimers(() => performance.now());
  const begin = performance.now();
  const fired: string[] = [];
  const last = Promise.withResolvers<void>();
  const cancelled = timers.after(20, () => fired.push("cancelled"));
  timers.after(30, () => fired.push("first"));
  timers.after(120, () => {
    fired.push("last");
    last.resolve();
  });
  cancelled.cancel();
  cancelled.cancel();
  await last.promise;
  assert.ok(performance.now() - begin >= 119);
  assert.deepEqual(fired, ["first", "last"]);
});

Deno.test("a coarse timer that is the last of its step takes the system's timer with it", () => {
  const timers = new CoarseTimers(() => performance.now());
  const both = [timers.after(60_000, () => {}), timers.after(60_000, () => {})];
  for (const timer of both) timer.cancel(); // the sanitizer finds a timer that stayed
});
