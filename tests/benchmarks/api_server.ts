/** The server of `bench api`: one controller and its gateway in one process, as `quorus start` runs them. */

import process from "node:process";
import { KEYS, transferYaml } from "../gateway/rig.ts";
import { startRealGateway } from "../gateway/real_cluster.ts";

const real = await startRealGateway();
const submitted = await fetch(`${real.gateway.url}/v1/runs`, {
  method: "POST",
  headers: { authorization: `Bearer ${KEYS.admin}`, "content-type": "application/yaml" },
  body: transferYaml(),
});
const { runs: [run] } = await submitted.json() as { runs: [{ id: string }] };
const { gateway } = real;
process.stdout.write(`${JSON.stringify({ url: gateway.url, runId: run.id, key: KEYS.admin })}\n`);
process.stdin.once("end", () => real.stop().then(() => process.exit(0)));
process.stdin.resume();
