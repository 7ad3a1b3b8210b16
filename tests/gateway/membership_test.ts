/** Changes of the controllers' group through the API, on simulated controllers. */

import assert from "node:assert/strict";
import { GatewayRig } from "./rig.ts";

/** Waits for an operation to end. */
async function ended(rig: GatewayRig, begun: { readonly headers: Headers }) {
  const href = begun.headers.get("location")!;
  await rig.until(async () => (await rig.ask(href)).json.status !== "running");
  return (await rig.ask(href)).json;
}

interface Seen {
  readonly node: string;
  readonly role: string;
  readonly maintenance: boolean;
  readonly lagEntries: number | null;
}

async function members(rig: GatewayRig): Promise<Seen[]> {
  return (await rig.ask("/v1/cluster")).json.controllers;
}

Deno.test("a controller joins as a learner, votes, takes another one's place, and is removed", async () => {
  const rig = await GatewayRig.start();
  const early = await rig.post("/v1/cluster/members", { node: "c4" });
  assert.equal(early.status, 409, early.text);
  assert.match(early.json.type, /not-ready$/);
  assert.match(early.json.detail, /c4 is not linked with c\d: start it first/);
  await rig.cluster.newcomer("c4");
  const role = async (node: string) =>
    (await members(rig)).find((one) => one.node === node)?.role ?? null;
  assert.equal(
    (await ended(rig, await rig.post("/v1/cluster/members", { node: "c4" }))).error,
    null,
  );
  assert.equal(await role("c4"), "learner");
  const promoted = await rig.post("/v1/cluster/members/c4/promote", {});
  assert.equal((await ended(rig, promoted)).error, null);
  assert.equal(await role("c4"), "voter");
  await rig.cluster.newcomer("c5");
  const { id: leader } = await rig.cluster.leader();
  const replaced = await rig.post(`/v1/cluster/members/${leader}/replace`, { by: "c5" });
  assert.equal((await ended(rig, replaced)).error, null);
  assert.deepEqual([await role(leader), await role("c5")].map((one) => one === null), [
    true,
    false,
  ]);
  const gone = await rig.ask("/v1/cluster/members/c4", { method: "DELETE" });
  assert.equal((await ended(rig, gone)).error, null);
  assert.equal((await members(rig)).length, 3);
  await rig.stop();
});

Deno.test("a voter is kept while another one is away, and the answer says why at once", async () => {
  const rig = await GatewayRig.start();
  const leader = await rig.cluster.leader();
  const [away, kept] = rig.cluster.ids.filter((id) => id !== leader.id);
  rig.cluster.crash(away!);
  await rig.cluster.world.pass(3_000);
  const refused = await rig.ask(`/v1/cluster/members/${kept}`, { method: "DELETE" });
  assert.equal(refused.status, 409, refused.text);
  assert.match(refused.json.type, /would-lose-quorum$/);
  const needs = `without ${kept} 2 of 2 voters are needed, and only 1 answers: bring ${away} back`;
  assert.ok(refused.json.detail.includes(needs), refused.json.detail);
  const unknown = await rig.ask("/v1/cluster/members/nowhere", { method: "DELETE" });
  assert.equal(unknown.status, 404);
  await rig.stop();
});

Deno.test("dryRun says what a change would come to, and does nothing", async () => {
  const rig = await GatewayRig.start();
  const path = "/v1/cluster/members/c3?dryRun=true";
  const asked = await rig.ask(path, { method: "DELETE" });
  assert.equal(asked.status, 200, asked.text);
  assert.equal(asked.json.refused, null);
  assert.match(asked.json.lines[0], /^c3 leaves: 2 of 2 voters decide, 2 answer: none of them may/);
  assert.equal((await members(rig)).length, 3);
  await rig.stop();
});

Deno.test("a controller in maintenance hands over, is given no leadership, and stays so through restarts", async () => {
  const rig = await GatewayRig.start();
  const { cluster } = rig;
  const { id } = await cluster.leader();
  const path = `/v1/cluster/members/${id}/maintenance`;
  assert.equal((await ended(rig, await rig.post(path, { on: true }))).error, null);
  const follows = await cluster.leader();
  assert.notEqual(follows.id, id);
  const refused = await rig.post("/v1/cluster/transfer", { to: id });
  assert.deepEqual([refused.status, refused.json.type.split("/").at(-1)], [409, "not-ready"]);
  assert.match(refused.json.detail, new RegExp(`${id} cannot lead: is in maintenance`));
  // All of them begin anew; what was committed is on their disks.
  const starts = cluster.ids.map((one) => cluster.crash(one, "power"));
  for (const start of starts) await start();
  await rig.until(async () => (await rig.ask("/v1/cluster")).status === 200);
  await cluster.world.pass(10_000);
  assert.notEqual((await cluster.leader()).id, id);
  assert.equal((await members(rig)).find(({ node }) => node === id)?.maintenance, true);
  assert.equal((await ended(rig, await rig.post(path, { on: false }))).error, null);
  assert.equal((await members(rig)).find(({ node }) => node === id)?.maintenance, false);
  assert.equal((await ended(rig, await rig.post("/v1/cluster/transfer", { to: id }))).error, null);
  await rig.stop();
});

Deno.test("any gateway tells how an operation stands, also one that did not begin it", async () => {
  const rig = await GatewayRig.start();
  const other = GatewayRig.of(rig.cluster, await rig.cluster.join("g2", ["gateway"]), {
    operationMs: 60_000,
  });
  await rig.cluster.newcomer("c4");
  const begun = await rig.post("/v1/cluster/members", { node: "c4" });
  const { what, startedMs } = begun.json;
  const seen = await ended(other, begun);
  assert.deepEqual({ ...seen, id: "" }, {
    ...{ id: "", what, status: "succeeded", error: null, startedMs, endedMs: null },
  });
  assert.equal(what, "add controller c4");
  // It was taken out again: nobody can tell it from one that has not come about.
  const href = begun.headers.get("location")!;
  await ended(rig, await rig.ask("/v1/cluster/members/c4", { method: "DELETE" }));
  assert.equal((await other.ask(href)).json.status, "running");
  await rig.cluster.world.pass(60_000);
  const late = (await other.ask(href)).json;
  assert.deepEqual([late.status, late.error.code], ["failed", "notDone"]);
  assert.equal((await rig.ask(href)).json.status, "succeeded", "the one that began it knows");
  const { id: leads } = await rig.cluster.leader();
  const moved = await rig.post("/v1/cluster/transfer", {});
  assert.equal((await ended(other, moved)).status, "succeeded");
  assert.notEqual((await rig.cluster.leader()).id, leads);
  // Of the cluster nothing is shown to keys of tenants; ids that are none are nobody's.
  assert.equal((await other.ask(href, { who: "acme" })).status, 404);
  for (const id of ["op-", "op-x", "nothing", `op-${btoa("[1]")}`]) {
    assert.equal((await other.ask(`/v1/operations/${id}`)).status, 404, id);
  }
  await rig.stop();
});

Deno.test("whichever controller is asked, the cluster's status says how far each is", async () => {
  const rig = await GatewayRig.start();
  const asked = new Set<string>();
  for (let turn = 0; turn < 6; turn += 1) {
    const { json } = await rig.ask("/v1/cluster");
    asked.add(json.node);
    assert.ok(json.controllers.every((one: Seen) => one.lagEntries !== null), JSON.stringify(json));
    assert.deepEqual(json.gateways.map((one: { node: string }) => one.node), ["g1"]);
  }
  assert.equal(asked.size, 3);
  await rig.stop();
});
