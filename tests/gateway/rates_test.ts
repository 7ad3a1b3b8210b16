import assert from "node:assert/strict";
import { GatewayRig } from "./rig.ts";

const SETTINGS = {
  bytesPerSecond: 20_000_000,
  windows: [{
    days: ["mon", "tue", "wed", "thu", "fri"],
    from: "08:00",
    to: "18:00",
    timeZone: "Europe/Berlin",
    bytesPerSecond: 1_000_000,
  }],
};

Deno.test("rules about bandwidth are said by an administrator, listed, and taken back", async () => {
  const rig = await GatewayRig.start();
  const link = encodeURIComponent("files.example>local");
  const put = (path: string, body: unknown, who: "admin" | "acme" = "admin") =>
    rig.post(`/v1/rates/${path}`, body, { method: "PUT", who });
  assert.equal((await put("tenant/acme", SETTINGS, "acme")).status, 403);
  const slow = await put("tenant/acme", { bytesPerSecond: 10 });
  assert.deepEqual([slow.status, slow.json.errors[0].pointer], [422, "/bytesPerSecond"]);
  const mars = [{ ...SETTINGS.windows[0], timeZone: "Mars/Olympus" }];
  const wrong = await put("tenant/acme", { ...SETTINGS, windows: mars });
  assert.deepEqual([wrong.status, wrong.json.errors[0].pointer], [422, "/windows/0/timeZone"]);
  assert.equal((await put("galaxy/milky", SETTINGS)).status, 400);
  assert.equal((await put("tenant/acme", SETTINGS)).status, 202);
  assert.equal((await put(`link/${link}`, { bytesPerSecond: null })).status, 202);
  const listed = async () => (await rig.ask("/v1/rates", { who: "admin" })).json.items;
  await rig.until(async () => (await listed()).length === 2);
  const [ofLink, ofTenant] = await listed();
  assert.deepEqual([ofLink.scope, ofLink.name], ["link", "files.example>local"]);
  assert.deepEqual([ofLink.bytesPerSecond, ofLink.windows, ofLink.nowBytesPerSecond], [
    null,
    [],
    null,
  ]);
  assert.deepEqual(ofTenant.windows, SETTINGS.windows);
  assert.ok([20_000_000, 1_000_000].includes(ofTenant.nowBytesPerSecond));
  assert.equal((await rig.ask("/v1/rates", { who: "acme" })).status, 403);
  assert.equal((await rig.ask(`/v1/rates/link/${link}`, { method: "DELETE" })).status, 202);
  await rig.until(async () => (await listed()).length === 1);
  await rig.stop();
});
