/** Each supervised actor of controllers and agents is killed once: transfers go on. */

import assert from "node:assert/strict";
import { Desk, DESK_PATH } from "../../../actors/desk/messages.ts";
import { Controller } from "../../../actors/controller/messages.ts";
import { groupPlan } from "../plans.ts";
import { SimulatedCluster } from "./cluster.ts";

const ADMIN = { keyId: "admin", scope: "admin", tenants: null } as const;

function planOf(name: string) {
  return groupPlan([{
    name: "one",
    source: { uri: `memory:///from-${name}` },
    destination: { uri: `memory:///to-${name}` },
  }]);
}

Deno.test("the leader's part that fails is begun again, as often as it takes, and work goes on", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.agent("a1");
  const gateway = await cluster.join("g1", ["gateway"]);
  const { node, role } = await cluster.leader();
  const path = `leadership/controller-${role.replica.term}`;
  const bytes = new Uint8Array(5_000).fill(7);
  for (const name of ["r1", "r2", "r3"]) {
    cluster.store.put(`/from-${name}`, bytes);
    const desk = gateway.node.ref(Desk, `quorus://${node.id}/${DESK_PATH}`);
    const request = { type: "submit", runId: name, plan: planOf(name) } as const;
    const written = await cluster.done(desk.ask("write", { key: name, principal: ADMIN, request }));
    assert.equal(written.ok, true);
    // It fails while it has that run to look after.
    node.ref(Controller, `quorus://${node.id}/${path}`).tell("anew", {});
    await cluster.until(
      `${name} succeeds`,
      () => role.replica.state.runs.get(name)?.state === "succeeded",
      60_000,
    );
  }
  assert.ok(cluster.living.length === 3, "no node has ended");
  await cluster.stop();
});
