/** Tenants as an operator configures them, through a controller's desk. */

import assert from "node:assert/strict";
import type { Principal, WriteRequest } from "../../../actors/desk/messages.ts";
import { ADMIN, SimulatedCluster } from "../cluster/cluster.ts";
import { OPEN } from "./log.ts";

const OWN_TENANT: Principal = { keyId: "own", scope: "admin", tenants: ["acme"] };

Deno.test("an admin of the cluster bounds a tenant; a key of the tenant itself does not", async () => {
  const cluster = await SimulatedCluster.start();
  const gateway = await cluster.join("g1", ["gateway"]);
  const { id, role } = await cluster.leader();
  const desk = cluster.desk(gateway, id);
  const request: WriteRequest = {
    type: "configureTenant",
    tenant: "acme",
    settings: { ...OPEN, weight: 3, maxConcurrentTransfers: 7 },
  };
  const write = (key: string, principal: Principal) =>
    cluster.done(desk.ask("write", { key, principal, request }, { withinMs: 20_000 }));
  const own = await write("k1", OWN_TENANT);
  assert.ok(!own.ok && own.code === "forbidden", JSON.stringify(own));
  assert.ok((await write("k2", ADMIN)).ok);
  const { weight, maxConcurrentTransfers } = role.replica.state.tenants.get("acme")!;
  assert.deepEqual([weight, maxConcurrentTransfers], [3, 7]);
  await cluster.stop();
});
