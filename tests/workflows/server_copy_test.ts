import assert from "node:assert/strict";
import type { Plan } from "../../workflows/plan.ts";
import { group, plan, transfer } from "./fixtures.ts";

function modes({ transfers }: Plan): Record<string, string | undefined> {
  return Object.fromEntries(
    transfers.map(({ name, template }) => [name, template.pipeline.serverCopy]),
  );
}

Deno.test("serverCopy is planned as it is declared, and left out where it is not", () => {
  const transfers = ["auto", "never", "require"].map((serverCopy) =>
    transfer(serverCopy, { transfer: { serverCopy } })
  );
  assert.deepEqual(modes(plan(group({ transfers: [...transfers, transfer("plain")] }))), {
    ...{ auto: "auto", never: "never", require: "require", plain: undefined },
  });
});

Deno.test("a transfer whose checksum is named elsewhere is not copied by its service", () => {
  const named = "${a.result.checksum}";
  const users: Record<string, unknown>[] = [
    { source: { uri: "https://api.example.com/b", headers: { "x-sum": named } } },
    { validation: { checksum: { value: named } } },
    { condition: '${a.result.checksum} != ""' },
  ];
  for (const more of users) {
    const transfers = [transfer("a"), transfer("b", { ...more, dependsOn: ["a"] })];
    assert.deepEqual(modes(plan(group({ transfers }))), { a: "never", b: undefined });
  }
});

Deno.test("a checksum that only a message names is had as well", () => {
  const message = "arrived: ${a.result.checksum}";
  const onSuccess = [{ action: "notify", target: "log:", message }];
  const planned = plan(group({ transfers: [transfer("a"), transfer("b")], onSuccess }));
  assert.deepEqual(modes(planned), { a: "never", b: undefined });
});

Deno.test("who requires a copy by the service is not overruled", () => {
  const transfers = [
    transfer("a", { transfer: { serverCopy: "require" } }),
    transfer("b", { dependsOn: ["a"], condition: '${a.result.checksum} != ""' }),
  ];
  assert.deepEqual(modes(plan(group({ transfers }))), { a: "require", b: undefined });
});
