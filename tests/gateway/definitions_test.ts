import assert from "node:assert/strict";
import { GatewayRig, transferYaml } from "./rig.ts";

const YAML = "application/yaml";

Deno.test("a definition is kept as it was written, and found by name with its version", async () => {
  const rig = await GatewayRig.start();
  const text = transferYaml();
  const created = await rig.submit("/v1/definitions", text, { who: "acme" });
  assert.equal(created.status, 201, created.text);
  const etag = created.headers.get("etag")!;
  assert.equal(etag, `"${created.json.version}"`);
  const found = await rig.ask(created.headers.get("location")!, { who: "acme" });
  assert.equal(found.json.text, text);
  assert.equal(found.headers.get("etag"), etag);
  const raw = await rig.ask("/v1/definitions/nightly", { who: "acme", headers: { accept: YAML } });
  assert.deepEqual([raw.headers.get("content-type"), raw.text], [YAML, text]);
  const headers = { "if-none-match": etag };
  assert.equal((await rig.ask("/v1/definitions/nightly", { who: "acme", headers })).status, 304);
  const second = await rig.submit("/v1/definitions", text, { who: "acme" });
  assert.equal(second.status, 409, second.text);
  assert.equal((await rig.ask("/v1/definitions")).json.items.length, 1);
  assert.equal((await rig.ask("/v1/definitions", { who: "other" })).json.items.length, 0);
  await rig.stop();
});

Deno.test("who changes a definition may say what it has to be; else it is 412", async () => {
  const rig = await GatewayRig.start();
  const put = (condition: Record<string, string>) =>
    rig.submit("/v1/definitions/nightly", transferYaml(), {
      who: "acme",
      method: "PUT",
      headers: condition,
    });
  assert.equal((await put({ "if-match": '"7"' })).status, 412);
  const first = await put({ "if-none-match": "*" });
  assert.equal(first.status, 200, first.text);
  const refused = await put({ "if-none-match": "*" });
  assert.equal(refused.status, 412);
  assert.equal(refused.json.type, "https://quorus.dev/problems/precondition-failed");
  const etag = first.headers.get("etag")!;
  const second = await put({ "if-match": etag });
  assert.equal(second.status, 200);
  assert.equal((await put({ "if-match": etag })).status, 412);
  assert.equal((await put({ "if-match": "W/nonsense" })).status, 412);
  const remove = (headers: Record<string, string>) =>
    rig.ask("/v1/definitions/nightly", { who: "acme", method: "DELETE", headers });
  assert.equal((await remove({ "if-match": etag })).status, 412);
  assert.equal((await remove({ "if-match": second.headers.get("etag")! })).status, 204);
  assert.equal((await remove({})).status, 404);
  await rig.stop();
});

Deno.test("only sound workflows are kept, under the name that they have", async () => {
  const rig = await GatewayRig.start();
  const bad = await rig.submit("/v1/definitions", transferYaml({ rest: "  retires: 1\n" }), {});
  assert.equal(bad.status, 422);
  assert.equal(bad.json.errors[0].pointer, "/spec/retires");
  const json = { text: transferYaml({ rest: "  retires: 1\n" }) };
  const inJson = await rig.post("/v1/definitions", json, {});
  assert.deepEqual(
    [inJson.json.errors[0].pointer, inJson.json.errors[0].documentPointer],
    ["/text", "/spec/retires"],
  );
  const named = await rig.submit("/v1/definitions/other", transferYaml(), { method: "PUT" });
  assert.equal(named.status, 422);
  assert.equal(named.json.errors[0].pointer, "/metadata/name");
  await rig.stop();
});

Deno.test("a definition is run with values of its own", async () => {
  const rig = await GatewayRig.start();
  const text = transferYaml({ path: '"/data/${NAME}"', rest: "  variables:\n    NAME: null\n" });
  assert.equal((await rig.submit("/v1/definitions", text, { who: "acme" })).status, 201);
  const lacking = await rig.post("/v1/definitions/nightly/runs", {}, { who: "acme" });
  assert.equal(lacking.status, 422, lacking.text);
  const variables = { NAME: "a.bin" };
  const started = await rig.post("/v1/definitions/nightly/runs", { variables }, { who: "acme" });
  assert.equal(started.status, 202, started.text);
  const run = await rig.ask(started.headers.get("location")!, { who: "acme" });
  assert.deepEqual([run.json.name, run.json.tenant], ["nightly", "acme"]);
  await rig.stop();
});
