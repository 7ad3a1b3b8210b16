import assert from "node:assert/strict";
import { GatewayRig, transferYaml } from "./rig.ts";

const SETTINGS = {
  weight: 3,
  maxConcurrentTransfers: 2,
  maxQueued: 10,
  priorityCeiling: "high",
} as const;

Deno.test("a tenant is configured by an administrator, and its own key sees what it has", async () => {
  const rig = await GatewayRig.start();
  const put = (body: unknown, who: "admin" | "acme") =>
    rig.post("/v1/tenants/acme", body, { method: "PUT", who });
  assert.equal((await put(SETTINGS, "acme")).status, 403);
  const wrong = await put({ ...SETTINGS, weight: -1 }, "admin");
  assert.deepEqual([wrong.status, wrong.json.errors[0].pointer], [422, "/weight"]);
  const configured = await put(SETTINGS, "admin");
  assert.equal(configured.status, 202, configured.text);
  await rig.submit("/v1/jobs", transferYaml(), { who: "acme" });
  await rig.submit("/v1/jobs", transferYaml({ tenant: "other" }), { who: "other" });
  const usage = async () => (await rig.ask("/v1/tenants/acme/usage", { who: "acme" })).json;
  await rig.until(async () => (await usage()).waiting === 1);
  const { freshness: _, sinceMs, ...seen } = await usage();
  assert.ok(sinceMs > 0);
  assert.deepEqual(seen, {
    tenant: "acme",
    settings: SETTINGS,
    ...{ submitted: 0, waiting: 1, running: 0, ended: {}, bytes: 0, fetchedBytes: 0 },
  });
  assert.equal((await rig.ask("/v1/tenants/other/usage", { who: "acme" })).status, 404);
  const names = async (who: "admin" | "acme") =>
    (await rig.ask("/v1/tenants", { who })).json.items.map((one: { tenant: string }) => one.tenant);
  assert.deepEqual([await names("admin"), await names("acme")], [["acme", "other"], ["acme"]]);
  await rig.ask("/v1/tenants/acme", { method: "DELETE" });
  await rig.until(async () => (await usage()).settings === null);
  await rig.stop();
});
