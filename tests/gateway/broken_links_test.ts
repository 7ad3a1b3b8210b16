import assert from "node:assert/strict";
import { GatewayRig, transferYaml } from "./rig.ts";

for (const id of ["c1", "c2", "c3"]) {
  Deno.test(`a write is answered in a second though ${id} dies in its middle, whoever was asked`, async () => {
    const rig = await GatewayRig.start();
    const { cluster } = rig;
    await rig.submit("/v1/runs", transferYaml({ name: "before" }), { who: "acme" });
    const begunMs = cluster.world.nowMs;
    const asking = { method: "POST", type: "application/yaml", body: transferYaml() };
    const writing = rig.begin("/v1/runs", { who: "acme", ...asking });
    cluster.crash(id);
    const answered = await cluster.done(writing);
    assert.equal(answered.status, 202, answered.text);
    const tookMs = cluster.world.nowMs - begunMs;
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
    await rig.stop();
  });
}
