import assert from "node:assert/strict";
import { divider } from "../../../actors/bandwidth/divider.ts";
import type { RateScope } from "../../../actors/bandwidth/messages.ts";
import { ClusterRig } from "../agent/cluster_rig.ts";

const KB = 1_000;

/** Two agents, and a leader that divides. */
async function opened(): Promise<ClusterRig> {
  const rig = new ClusterRig(1, 1);
  await rig.open();
  for (const name of ["a1", "a2"]) {
    await rig.startAgent(name, name === "a2" ? { maxBandwidthMbps: 0.8 } : {});
    await rig.until("registered", () => rig.group.state.agents.get(name)?.status === "active");
  }
  rig.controllers.get("c1")!.spawn(divider, {
    name: "divider",
    args: { group: rig.group, agents: (id) => rig.tell(id) },
  });
  return rig;
}

function put(rig: ClusterRig, scope: RateScope, name: string, bytesPerSecond: number | null) {
  const settings = bytesPerSecond === null ? null : { bytesPerSecond, windows: [] };
  return rig.propose({ type: "putRate", scope, name, settings });
}

/** Virtual seconds until these have ended. */
async function secondsUntilDone(rig: ClusterRig, ...jobs: readonly string[]): Promise<number> {
  const beganMs = rig.world.nowMs;
  await rig.until("done", () => jobs.every((id) => rig.job(id).endedMs !== null), 200_000);
  for (const id of jobs) rig.assertDone(id);
  return (rig.world.nowMs - beganMs) / 1_000;
}

Deno.test("a rule of a tenant holds for all its transfers together, on whichever agents", async () => {
  const rig = await opened();
  await put(rig, "tenant", "acme", 20 * KB);
  await rig.world.pass(2_000);
  const jobs = [await rig.give("a1", 100 * KB), await rig.give("a2", 100 * KB)];
  const seconds = await secondsUntilDone(rig, ...jobs);
  assert.ok(seconds > 7.5 && seconds < 11.5, `200 kB at 20 kB/s in ${seconds} s`);
  await rig.close();
});

Deno.test("a rule that is changed or taken back is felt by transfers under way", async () => {
  const rig = await opened();
  await put(rig, "agent", "*", 2 * KB);
  await rig.world.pass(2_000);
  const job = await rig.give("a1", 300 * KB);
  await rig.world.pass(10_000);
  assert.equal(rig.job(job).endedMs, null);
  await put(rig, "agent", "a1", 50 * KB);
  await rig.world.pass(3_000);
  assert.equal(rig.job(job).endedMs, null, "150 kB of 300 by now");
  await put(rig, "agent", "a1", null);
  await put(rig, "agent", "*", null);
  const seconds = await secondsUntilDone(rig, job);
  assert.ok(seconds < 3, `the rest at once, in ${seconds} s`);
  await rig.close();
});

Deno.test("an agent keeps to what it says of itself, unless an operator says more", async () => {
  const rig = await opened();
  await rig.world.pass(2_000);
  // 0.8 Mbit/s are 100 kB/s.
  const slow = await secondsUntilDone(rig, await rig.give("a2", 400 * KB));
  assert.ok(slow > 2.2 && slow < 5.5, `400 kB at 100 kB/s in ${slow} s`);
  await put(rig, "agent", "a2", 1_000 * KB);
  await rig.world.pass(2_000);
  const quick = await secondsUntilDone(rig, await rig.give("a2", 400 * KB));
  assert.ok(quick < 2, `400 kB at 1 MB/s in ${quick} s`);
  await rig.close();
});
