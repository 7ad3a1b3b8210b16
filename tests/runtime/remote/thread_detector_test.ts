import assert from "node:assert/strict";
import { threadDetector } from "../../../runtime/remote/thread_detector.ts";

const { suspectPhi, create } = threadDetector(60_000, 2_000);

/** Whether a detector that is looked at each second gives up by `endMs`. */
function givesUp(detector: ReturnType<typeof create>, fromMs: number, endMs: number): boolean {
  for (let nowMs = fromMs; nowMs <= endMs; nowMs += 1_000) {
    if (detector.phi(nowMs) >= suspectPhi) return true;
  }
  return false;
}

Deno.test("a thread that is busy for a while is not given up", () => {
  const detector = create(0);
  assert.equal(givesUp(detector, 0, 59_000), false);
  detector.heartbeat(59_500);
  assert.equal(givesUp(detector, 60_000, 119_000), false);
});

Deno.test("a thread that is silent for long is", () => {
  assert.equal(givesUp(create(0), 0, 60_000), true);
});

Deno.test("time in which this end did not run does not count", () => {
  const detector = create(0);
  assert.equal(givesUp(detector, 0, 5_000), false);
  // Stopped for an hour, then looked at before anything could be heard.
  assert.equal(givesUp(detector, 3_600_000, 3_610_000), false);
});
