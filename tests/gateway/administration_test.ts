import assert from "node:assert/strict";
import { sha256Of } from "../../gateway/keys.ts";
import { sha256 } from "../../runtime/env/sha256.ts";
import { GatewayRig, transferYaml } from "./rig.ts";

Deno.test("a key that is made works, is shown once, and is nobody's once it is revoked", async () => {
  const rig = await GatewayRig.start();
  const made = await rig.post("/v1/keys", { scope: "viewer", tenants: ["acme"], label: "robot" });
  assert.equal(made.status, 201, made.text);
  const { id, key } = made.json;
  assert.match(key, /^qk_[A-Za-z0-9_-]{43}$/);
  const authorization = { authorization: `Bearer ${key}` };
  const asked = () => rig.ask("/v1/runs", { who: null, headers: authorization });
  assert.equal((await asked()).status, 200);
  const listed = await rig.ask("/v1/keys");
  assert.ok(listed.json.items.some((one: { id: string }) => one.id === id));
  assert.ok(!listed.text.includes(key) && !listed.text.includes("sha256"), listed.text);
  const written = await rig.submit("/v1/runs", transferYaml(), {
    who: null,
    headers: authorization,
  });
  assert.equal(written.status, 403);
  assert.equal((await rig.ask(`/v1/keys/${id}`, { method: "DELETE" })).status, 204);
  await rig.cluster.world.pass(3_000);
  assert.equal((await asked()).status, 401);
  await rig.stop();
});

Deno.test("a key with an end is nobody's after it", async () => {
  const rig = await GatewayRig.start();
  const expires = new Date(rig.gateway.env.clock.now() + 10_000).toISOString();
  const body = { scope: "viewer", tenants: null, label: "short", expires };
  const { json: { key } } = await rig.post("/v1/keys", body);
  const headers = { authorization: `Bearer ${key}` };
  assert.equal((await rig.ask("/v1/runs", { who: null, headers })).status, 200);
  await rig.cluster.world.pass(13_000);
  assert.equal((await rig.ask("/v1/runs", { who: null, headers })).status, 401);
  await rig.stop();
});

Deno.test("making a key is repeated safely by who has made it; else the key would be lost", async () => {
  const rig = await GatewayRig.start();
  const headers = { "idempotency-key": "once" };
  const body = { scope: "viewer", tenants: null, label: "robot" };
  const refused = await rig.post("/v1/keys", body, { headers });
  assert.equal(refused.status, 400);
  assert.equal(refused.json.errors[0].header, "Idempotency-Key");
  const key = `qk_own${"1".repeat(40)}`;
  const own = { ...body, sha256: sha256Of({ sha256 } as Parameters<typeof sha256Of>[0], key) };
  const first = await rig.post("/v1/keys", own, { headers });
  assert.deepEqual([first.status, first.json.key], [201, null], first.text);
  assert.equal((await rig.post("/v1/keys", own, { headers })).text, first.text);
  const authorization = { authorization: `Bearer ${key}` };
  assert.equal((await rig.ask("/v1/runs", { who: null, headers: authorization })).status, 200);
  await rig.stop();
});

Deno.test("leadership is handed over by an operation that can be polled", async () => {
  const rig = await GatewayRig.start();
  const { id: from } = await rig.cluster.leader();
  const to = rig.cluster.ids.find((id) => id !== from)!;
  const begun = await rig.post("/v1/cluster/transfer", { to });
  assert.equal(begun.status, 202, begun.text);
  assert.equal(begun.json.status, "running");
  const href = begun.headers.get("location")!;
  await rig.until(async () => (await rig.ask(href)).json.status !== "running");
  const ended = await rig.ask(href);
  assert.deepEqual([ended.json.status, ended.json.error], ["succeeded", null], ended.text);
  await rig.until(async () => (await rig.ask("/v1/cluster")).json.leader === to);
  // Who may see the cluster sees what has become of it; a tenant's key does not.
  assert.equal((await rig.ask(href, { who: "viewer" })).json.status, "succeeded");
  assert.equal((await rig.ask(href, { who: "acme" })).status, 404);
  await rig.stop();
});

Deno.test("readyz tells keys of the whole cluster how the archives are", async () => {
  const rig = await GatewayRig.start();
  const names = async (who: "viewer" | "acme") =>
    (await rig.ask("/readyz?verbose", { who })).json.checks.map(({ name }: { name: string }) =>
      name
    );
  await rig.until(async () => (await names("viewer")).length === 4);
  assert.deepEqual((await names("viewer")).sort(), [
    ...["archive of c1", "archive of c2", "archive of c3", "quorum"],
  ]);
  assert.deepEqual(await names("acme"), ["quorum"]);
  await rig.stop();
});

Deno.test("readyz and metrics tell what a gateway is doing", async () => {
  const rig = await GatewayRig.start();
  const ready = await rig.ask("/readyz?verbose", { who: "acme" });
  assert.deepEqual([ready.status, ready.json.ready], [200, true], ready.text);
  assert.deepEqual(Object.keys((await rig.ask("/readyz")).json), ["ready"]);
  const metrics = await rig.ask("/metrics");
  assert.match(metrics.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assert.match(
    metrics.text,
    /quorus_http_requests_total\{node="g1",method="GET",route="\/readyz",status="200"\} 2/,
  );
  assert.match(metrics.text, /quorus_http_request_duration_seconds_bucket/);
  await rig.stop();
});
