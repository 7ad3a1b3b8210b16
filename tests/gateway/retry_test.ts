/** What has failed is tried again: hot or archived, a run or one of its jobs. */

import assert from "node:assert/strict";
import { type Answered, GatewayRig } from "./rig.ts";

const SOON = { archive: { archiveAfterMs: 2_000, archiveRestMs: 1_000, archiveOwingMs: 1_000 } };

/** `second` waits for `first` and names its hash; `lost` has no source yet. */
const GROUP = `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: { name: three, tenant: acme, labels: { tier: gold } }
spec:
  execution: { strategy: parallel, continueOnError: true }
  defaults: { retry: { maxAttempts: 1 } }
  transfers:
    - name: first
      source: { uri: "memory:///in/first" }
      destination: { uri: "memory:///out/first" }
    - name: lost
      source: { uri: "memory:///in/lost" }
      destination: { uri: "memory:///out/lost" }
    - name: second
      dependsOn: [first, lost]
      source: { uri: "memory:///in/second" }
      destination: { uri: "memory:///out/\${first.result.checksum}" }
`;

const BYTES = new TextEncoder().encode("of a file");

async function failed(limits = {}): Promise<{ rig: GatewayRig; id: string }> {
  const rig = await GatewayRig.start({}, limits);
  await rig.cluster.agent("a1");
  for (const name of ["first", "second"]) rig.cluster.store.put(`/in/${name}`, BYTES);
  const { json } = await rig.submit("/v1/runs", GROUP, { who: "acme" });
  const { id } = json.runs[0];
  await ended(rig, id, "failed");
  return { rig, id };
}

async function ended(rig: GatewayRig, id: string, state: string): Promise<Answered["json"]> {
  await rig.until(async () => (await rig.ask(`/v1/runs/${id}`)).json.endedMs !== null);
  const { json } = await rig.ask(`/v1/runs/${id}`);
  assert.equal(json.state, state, json.why);
  return json;
}

Deno.test("a run that has failed is tried again with what has succeeded in it", async () => {
  const { rig, id } = await failed();
  rig.cluster.store.put("/in/lost", BYTES);
  const key = { headers: { "idempotency-key": "again" }, who: "acme" } as const;
  const retried = await rig.post(`/v1/runs/${id}/retry`, {}, key);
  assert.equal(retried.status, 202, retried.text);
  const again = retried.json.href.split("/").at(-1);
  assert.notEqual(again, id);
  const run = await ended(rig, again, "succeeded");
  assert.deepEqual([run.retryOf, run.labels, run.transfers], [id, { tier: "gold" }, {
    succeeded: 3,
  }]);
  const { items } = (await rig.ask(`/v1/jobs?run=${again}`)).json;
  const why = Object.fromEntries(
    items.map((job: { name: string; why: string }) => [job.name, job.why]),
  );
  assert.equal(why.first, `succeeded in run ${id}`);
  assert.match(
    items.find(({ name }: { name: string }) => name === "second").destination,
    /[0-9a-f]{64}/,
  );
  const twice = await rig.post(`/v1/runs/${id}/retry`, {}, key);
  assert.deepEqual([twice.status, twice.json.href], [202, retried.json.href]);
  const done = await rig.post(`/v1/runs/${again}/retry`, {});
  assert.equal(done.status, 409, done.text);
  assert.match(done.json.detail, /has succeeded/);
  await rig.stop();
});

Deno.test("a job that has failed is tried again as a run of that one transfer", async () => {
  const { rig, id } = await failed();
  rig.cluster.store.put("/in/lost", BYTES);
  const { items } = (await rig.ask(`/v1/jobs?run=${id}&state=failed`)).json;
  const [lost] = items;
  const other = await rig.post(`/v1/jobs/${lost.id}/retry`, {}, { who: "other" });
  assert.equal(other.status, 404);
  const retried = await rig.post(`/v1/jobs/${lost.id}/retry`, {}, { who: "acme" });
  assert.equal(retried.status, 202, retried.text);
  await rig.until(async () => (await rig.ask(retried.json.href)).json?.state === "succeeded");
  const job = (await rig.ask(retried.json.href)).json;
  assert.deepEqual([job.name, job.destination], ["lost", lost.destination]);
  const run = await ended(rig, job.runId, "succeeded");
  assert.deepEqual([run.retryOf, run.name, run.tenant], [lost.id, "lost", "acme"]);
  const succeeded = await rig.post(`${retried.json.href}/retry`, {});
  assert.equal(succeeded.status, 409);
  await rig.stop();
});

Deno.test("what is tried again may be in the archive", async () => {
  const { rig, id } = await failed({ limits: SOON });
  const { role } = await rig.cluster.leader();
  await rig.cluster.until("it is archived", () => !role.replica.state.runs.has(id), 120_000);
  const explained = await rig.ask(`/v1/jobs/${id}-2/explain`);
  assert.equal(explained.status, 200, explained.text);
  assert.match(explained.json.lines[0], /^failed: /);
  rig.cluster.store.put("/in/lost", BYTES);
  const retried = await rig.post(`/v1/runs/${id}/retry`, {}, { who: "acme" });
  assert.equal(retried.status, 202, retried.text);
  const run = await ended(rig, retried.json.href.split("/").at(-1), "succeeded");
  assert.equal(run.retryOf, id);
  await rig.stop();
});
