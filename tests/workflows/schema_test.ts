/** The published JSON Schema is the one that the code generates. */

import assert from "node:assert/strict";
import { toJSONSchema } from "../../workflows/schema.ts";

const FILE = new URL("../../workflows/schema/quorus.schema.json", import.meta.url);

Deno.test("the checked-in JSON Schema is current (UPDATE_GOLDEN=1 writes it)", () => {
  const text = JSON.stringify(toJSONSchema(), null, 2) + "\n";
  if (Deno.env.get("UPDATE_GOLDEN") === "1") Deno.writeTextFileSync(FILE, text);
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(FILE)), toJSONSchema());
});

Deno.test("the JSON Schema is a union by kind that forbids unknown keys", () => {
  const schema = toJSONSchema() as {
    anyOf: { properties: { kind: { const: string } }; additionalProperties: boolean }[];
  };
  assert.deepEqual(schema.anyOf.map((one) => one.properties.kind.const), [
    "Transfer",
    "TransferGroup",
  ]);
  assert.ok(schema.anyOf.every((one) => one.additionalProperties === false));
});
