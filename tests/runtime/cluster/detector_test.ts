import assert from "node:assert/strict";
import fc from "fast-check";
import { phiAccrual, phiAccrualOfPings } from "../../../runtime/cluster/detector.ts";
import { CLUSTER_LIMITS, clusterLimits } from "../../../runtime/cluster/limits.ts";
import { REMOTE_LIMITS } from "../../../runtime/remote/limits.ts";

const factory = phiAccrual();
const { suspectPhi } = factory;

/** Intervals between answers, from bursts to long pauses. */
const histories = fc.constantFrom(2, 900, 1_100, 10_000).chain((max) =>
  fc.array(fc.double({ min: 0, max, noNaN: true }), { maxLength: 300, size: "max" })
);

function after(intervals: readonly number[], startMs = 0) {
  const detector = factory.create(startMs);
  let nowMs = startMs;
  for (const interval of intervals) {
    nowMs += interval;
    detector.heartbeat(nowMs);
  }
  return { detector, nowMs };
}

/** When a link that pings each second would be given up, counted from the last answer. */
function suspectedAfterMs(intervals: readonly number[], rttMs: number): number {
  const { detector, nowMs } = after(intervals);
  for (let silentMs = 1_000 - rttMs;; silentMs += 1_000) {
    if (detector.phi(nowMs + silentMs) >= suspectPhi) return silentMs;
  }
}

Deno.test("phi never falls while the peer is silent", () => {
  fc.assert(fc.property(
    histories,
    fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { minLength: 2, maxLength: 30 }),
    (intervals, silences) => {
      const { detector, nowMs } = after(intervals);
      const phis = silences.sort((a, b) => a - b).map((ms) => detector.phi(nowMs + ms));
      for (const [index, phi] of phis.entries()) {
        assert.ok(!Number.isNaN(phi) && phi >= 0);
        if (index > 0) assert.ok(phi >= phis[index - 1]!);
      }
    },
  ));
});

Deno.test("a peer that answers within the ping and the pause is never suspected, whatever was before", () => {
  fc.assert(fc.property(histories, fc.double({ min: 0, max: 3_000, noNaN: true }), (all, ms) => {
    const { detector, nowMs } = after(all);
    assert.ok(detector.phi(nowMs + ms) < suspectPhi);
  }));
});

Deno.test("a silent peer is suspected within 5 s of its last answer, whatever was before", () => {
  fc.assert(fc.property(histories, fc.double({ min: 0, max: 999, noNaN: true }), (all, rttMs) => {
    assert.ok(suspectedAfterMs(all, rttMs) < 5_000);
  }));
});

Deno.test("a peer that never answers is suspected within 5 s of the link", () => {
  assert.ok(suspectedAfterMs([], 0) < 5_000);
});

Deno.test("a regular link is suspected sooner than one with a history of long pauses", () => {
  const regular = Array.from({ length: 100 }, () => 1_000);
  const uneven = Array.from({ length: 100 }, (_, i) => i % 4 === 0 ? 2_800 : 400);
  const at = (intervals: number[], silentMs: number) => {
    const { detector, nowMs } = after(intervals);
    return detector.phi(nowMs + silentMs);
  };
  assert.ok(at(regular, 3_550) >= suspectPhi);
  assert.ok(at(uneven, 3_550) < suspectPhi);
});

Deno.test("pauses of 2 s, each followed by a burst of late answers, are no reason to suspect", () => {
  const detector = factory.create(0);
  let last = 0;
  for (let round = 0; round < 50; round += 1) {
    const base = round * 10_000;
    for (const answer of [1_000, 2_000, 5_000, 5_001, 5_002, 6_000, 7_000, 8_000, 9_000, 10_000]) {
      assert.ok(detector.phi(base + answer) < suspectPhi, `${base + answer - last} ms of silence`);
      detector.heartbeat(base + answer);
      last = base + answer;
    }
  }
});

Deno.test("phi of a normal silence is that of the paper: about 0.3 at the mean, 8 at 5.2 deviations", () => {
  const { detector, nowMs } = after(Array.from({ length: 200 }, () => 1_000));
  assert.ok(Math.abs(detector.phi(nowMs + 3_000) - 0.301) < 0.01);
  assert.ok(Math.abs(detector.phi(nowMs + 3_522) - 8) < 0.1);
});

Deno.test("the detector counts with the pings that links send", () => {
  assert.equal(CLUSTER_LIMITS.detectorPingMs.value, REMOTE_LIMITS.pingMs.value);
});

Deno.test("links that ping at another pace are given the pause and the bound after it", () => {
  for (const pingMs of [100, 5_000]) {
    const detector = phiAccrualOfPings(pingMs).create(0);
    assert.ok(detector.phi(pingMs + 2_000) < suspectPhi);
    assert.equal(detector.phi(pingMs + 2_900), Infinity);
  }
});

Deno.test("limits that contradict each other are refused", () => {
  assert.throws(() => clusterLimits({ detectorPauseMs: 5_000 }), /not given up/);
  assert.throws(() => clusterLimits({ outletMessages: 0 }), /outletMessages/);
  assert.throws(() => clusterLimits({ topicMessageBytes: 8_388_608 }), /may travel/);
});
