/** Submissions that are larger than a command, and of several workflows: accepted whole, or not at all. */

import assert from "node:assert/strict";
import { ADMIN } from "../actors/cluster/cluster.ts";
import { emptyPlan } from "../actors/plans.ts";
import { GatewayRig, transferYaml } from "./rig.ts";

/** Commands of the simulated group have 64 KiB at most. */
const PIECES = { pieceBytes: 24 * 1_024, headBytes: 32 * 1_024 };
const TRANSFERS = 300;

function large(name: string, count = TRANSFERS): string {
  const transfers = Array.from({ length: count }, (_, index) => `
    - name: t${index}
      source: { uri: "https://files.example/${index}" }
      destination: { path: "/data/${index}" }`);
  return `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: { name: ${name}, tenant: acme }
spec:
  transfers:${transfers.join("")}
`;
}

Deno.test("a plan of many commands starts as one run, though the leader dies on the way", async () => {
  const rig = await GatewayRig.start(PIECES);
  const leader = await rig.cluster.leader();
  const submitting = rig.begin("/v1/runs", {
    method: "POST",
    type: "application/yaml",
    body: large("big"),
    who: "acme",
    headers: { "idempotency-key": "big-1" },
  });
  await rig.cluster.until("parts are there", () => leader.role.replica.state.staged.size > 2);
  assert.equal(leader.role.replica.state.runs.size, 0, "nobody sees a part of it");
  rig.cluster.crash(leader.id);
  const submitted = await rig.cluster.done(submitting);
  assert.equal(submitted.status, 202, submitted.text);
  const [run] = submitted.json.runs;
  assert.equal(run.transfers, TRANSFERS);
  const state = (await rig.cluster.leader()).role.replica.state;
  assert.deepEqual([state.runs.size, state.staged.size], [1, 0]);
  const { plan } = state.runs.get(run.id)!;
  assert.deepEqual(plan.transfers.map(({ name }) => name), plan.levels.flat());
  assert.equal(plan.transfers.length, TRANSFERS);
  const again = await rig.submit("/v1/runs", large("big"), {
    who: "acme",
    headers: { "idempotency-key": "big-1" },
  });
  assert.deepEqual([again.status, again.json], [202, submitted.json]);
  const other = GatewayRig.of(rig.cluster, await rig.cluster.join("g2", ["gateway"]), PIECES);
  const elsewhere = await other.submit("/v1/runs", large("big"), {
    who: "acme",
    headers: { "idempotency-key": "big-1" },
  });
  assert.deepEqual([elsewhere.status, elsewhere.json], [202, submitted.json]);
  assert.equal((await rig.cluster.leader()).role.replica.state.runs.size, 1);
  await rig.cluster.done(other.feed.close());
  await rig.stop();
});

Deno.test("parts whose gateway never comes back are forgotten", async () => {
  const rig = await GatewayRig.start();
  const plan = emptyPlan();
  const part = { runId: "lost", tenant: "acme", number: 0, transfers: [...plan.transfers] };
  const request = { type: "stage" as const, ...part, levels: [0] };
  assert.ok((await rig.cluster.done(rig.door.write(ADMIN, "k", request))).ok);
  const { role } = await rig.cluster.leader();
  assert.equal(role.replica.state.staged.size, 1);
  await rig.cluster.world.pass(160_000);
  assert.equal((await rig.cluster.leader()).role.replica.state.staged.size, 0);
  assert.deepEqual((await rig.ask("/v1/runs")).json.items, []);
  await rig.stop();
});

Deno.test("the workflows of one file start by one command, or none of them does", async () => {
  const rig = await GatewayRig.start({ ...PIECES, submissionBytes: 40 * 1_024 });
  const documents = `${transferYaml({ name: "one" })}---\n${transferYaml({ name: "two" })}`;
  const submitted = await rig.submit("/v1/runs", documents, { who: "acme" });
  assert.equal(submitted.status, 202, submitted.text);
  const state = (await rig.cluster.leader()).role.replica.state;
  const runs = submitted.json.runs.map(({ id }: { id: string }) => state.runs.get(id));
  assert.deepEqual(runs.map((run: { plan: { name: string } }) => run.plan.name), ["one", "two"]);
  assert.equal(runs[0].createdMs, runs[1].createdMs);
  const refused = await rig.submit("/v1/runs", `${transferYaml()}---\n${large("big")}`, {
    who: "acme",
  });
  assert.equal(refused.status, 413, refused.text);
  assert.equal(refused.json.type, "https://quorus.dev/problems/plan-too-large");
  assert.match(refused.json.detail, /at most 40960 bytes are taken \(submissionBytes\)/);
  assert.equal((await rig.ask("/v1/runs")).json.items.length, 2);
  await rig.stop();
});
