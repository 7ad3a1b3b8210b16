/** The largest plan that the language allows, given to a real controller over HTTP. */

import assert from "node:assert/strict";
import { startRealGateway } from "../../gateway/real_cluster.ts";

const TRANSFERS = 50_000;

function workflow(): string {
  const transfers = Array.from(
    { length: TRANSFERS },
    (_, index) =>
      `  - {name: t${index}, source: {uri: "http://h/${index}"}, destination: {path: /d/${index}}}`,
  );
  return `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: large}
spec:
  transfers:
${transfers.join("\n")}
`;
}

Deno.test("a run of 50,000 transfers is accepted whole", async () => {
  const { gateway, role, authorization, stop } = await startRealGateway();
  try {
    const body = workflow();
    const startMs = performance.now();
    const answer = await fetch(`${gateway.url}/v1/runs`, {
      method: "POST",
      headers: { ...authorization, "content-type": "application/yaml" },
      body,
    });
    const text = await answer.text();
    assert.equal(answer.status, 202, text);
    const seconds = (performance.now() - startMs) / 1_000;
    console.log(`${body.length} bytes of YAML accepted in ${seconds.toFixed(1)} s`);
    const [{ id, transfers }] = JSON.parse(text).runs;
    assert.equal(transfers, TRANSFERS);
    const plan = role.replica.state.runs.get(id)!.plan;
    assert.equal(plan.transfers.length, TRANSFERS);
    assert.equal(plan.transfers.at(-1)?.name, `t${TRANSFERS - 1}`);
    assert.equal(role.replica.state.staged.size, 0);
  } finally {
    await stop();
  }
});
