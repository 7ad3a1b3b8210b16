import assert from "node:assert/strict";
import { GatewayRig } from "./rig.ts";

const GOLDEN = new URL("../golden/gateway/openapi.json", import.meta.url);

Deno.test("the OpenAPI document is the checked-in one (UPDATE_GOLDEN=1 writes it)", async () => {
  const rig = await GatewayRig.start();
  const { text } = await rig.ask("/openapi.json", { who: "viewer" });
  await rig.stop();
  const shown = `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
  if (Deno.env.get("UPDATE_GOLDEN") === "1") Deno.writeTextFileSync(GOLDEN, shown);
  assert.equal(shown, Deno.readTextFileSync(GOLDEN));
});

Deno.test("the document is whole: version, security, every reference, every problem", async () => {
  const rig = await GatewayRig.start();
  const { json, text } = await rig.ask("/openapi.json");
  await rig.stop();
  assert.equal(json.openapi, "3.1.0");
  for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(Object.hasOwn(json.components.schemas, name), name);
  }
  const operations = Object.values(json.paths as Record<string, Record<string, unknown>>)
    .flatMap((methods) => Object.values(methods)) as {
      operationId: string;
      security: unknown;
      responses: Record<string, unknown>;
    }[];
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  for (const { operationId, security, responses } of operations) {
    assert.deepEqual(security, [{ apiKey: [] }], operationId);
    for (const status of ["400", "401", "403", "429", "503"]) {
      assert.ok(Object.hasOwn(responses, status), `${operationId} ${status}`);
    }
  }
});

Deno.test("the page of documentation names every operation and fetches nothing", async () => {
  const rig = await GatewayRig.start();
  const page = await rig.ask("/docs");
  const { paths } = (await rig.ask("/openapi.json")).json;
  await rig.stop();
  for (const path of Object.keys(paths)) assert.ok(page.text.includes(path), path);
  assert.match(page.headers.get("content-security-policy")!, /default-src 'none'/);
  assert.ok(!/<script|src=|https?:\/\/(?!quorus\.dev)/.test(page.text));
});
