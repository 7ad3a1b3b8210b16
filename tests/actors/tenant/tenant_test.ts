/** The actor of a tenant: admission and account, from the state and what is committed after it. */

import assert from "node:assert/strict";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { type Told, toldOf } from "../../../actors/controller/applied.ts";
import { Missed } from "../../../actors/controller/missed.ts";
import { Tenant, tenantActorName } from "../../../actors/tenant/messages.ts";
import { tenant } from "../../../actors/tenant/tenant.ts";
import { Tenants } from "../../../actors/tenant/tenants.ts";
import { virtualNode } from "../../../testing.ts";
import { z } from "zod";
import { Log, OPEN } from "./log.ts";

const Keeper = protocol("test.keeper", {
  version: 1,
  messages: { committed: tell(z.object({ effects: z.array(z.custom<Told>()) })) },
});

/** What a controller does with its tenants. */
const keeper = actor(Keeper, {
  state: (log: Log, ctx) => {
    const tenants = new Tenants(log, new Missed(ctx.env));
    tenants.begin(ctx);
    const self = ctx.self;
    log.subscribe((effects) => self.tell("committed", { effects: toldOf(effects) }));
    return tenants;
  },
  on: { committed: (tenants, { effects }, ctx) => tenants.follow(effects, ctx) },
});

function cluster(log: Log) {
  const { node, world } = virtualNode({ roundTripMessages: false });
  node.spawn(keeper, { name: "keeper", args: log });
  const of = (name: string) =>
    node.ref(Tenant, `quorus://${node.id}/keeper/${tenantActorName(name)}`);
  return { node, world, usage: (name: string) => world.complete(of(name).ask("usage", {})) };
}

Deno.test("jobs beyond the queue are admitted as places get free, the most urgent first", async () => {
  const log = new Log();
  log.configure("acme", { maxQueued: 2 });
  log.submit("acme", ["a", "b", "c"]);
  log.submit("acme", ["d"], {
    scheduling: {
      priority: "high",
      agents: [],
      tags: [],
      avoid: { agents: [], tags: [] },
      run: null,
      near: [],
      sourceVolume: null,
      destinationVolume: null,
    },
  });
  const { node, world } = cluster(log);
  await world.pass(10);
  assert.equal(log.states("acme"), "queued queued submitted submitted");
  log.assign("acme-a");
  await world.pass(10);
  assert.equal(log.states("acme"), "assigned queued submitted queued");
  log.apply({ type: "configureTenant", tenant: "acme", settings: null });
  await world.pass(10);
  assert.equal(log.states("acme"), "assigned queued queued queued");
  await world.complete(node.stop());
});

Deno.test("a tenant's usage counts what ended before it was started and after, once", async () => {
  const log = new Log();
  log.submit("acme", ["a", "b", "c"]);
  log.assign("acme-a");
  log.succeed("acme-a", 100);
  const { node, world, usage } = cluster(log);
  log.assign("acme-b");
  log.succeed("acme-b", 11);
  log.assign("acme-c");
  log.submit("other", ["a"]);
  await world.pass(10);
  const { ended, bytes, fetchedBytes, running, waiting, sinceMs } = await usage("acme");
  assert.deepEqual({ ended, bytes, fetchedBytes, running, waiting, sinceMs }, {
    ended: { succeeded: 2 },
    bytes: 111,
    fetchedBytes: 111,
    running: 1,
    waiting: 0,
    sinceMs: 0,
  });
  assert.equal((await usage("other")).waiting, 1);
  await world.complete(node.stop());
});

Deno.test("what was committed before a tenant's actor began, and is told to it later, is counted once", async () => {
  const log = new Log();
  log.submit("acme", ["a"]);
  log.assign("acme-a");
  const before = log.state.jobs.get("acme-a")!;
  log.succeed("acme-a", 100);
  const { node, world } = virtualNode({ roundTripMessages: false });
  const ref = node.spawn(tenant, { name: "one", args: { group: log, tenant: "acme" } });
  ref.tell("changed", { changes: [{ job: log.state.jobs.get("acme-a")!, before }] });
  assert.equal((await world.complete(ref.ask("usage", {}))).bytes, 100);
  await world.complete(node.stop());
});

Deno.test("any name of a tenant makes a name of an actor, and no two make the same", () => {
  const names = ["acme", "acme corp", "acme=20corp", "a/b", "ä", "(x)!*'", "%"];
  const made = names.map(tenantActorName);
  assert.equal(new Set(made).size, names.length);
  for (const name of made) assert.match(name ?? "", /^[A-Za-z0-9._~=-]+$/);
});

Deno.test("a tenant whose name is too long for an actor works without one, and cannot be bounded", async () => {
  const log = new Log();
  const { node, world } = cluster(log);
  const long = "ä".repeat(100);
  log.submit(long, ["a"]);
  await world.pass(10);
  assert.equal(log.states(long), "queued");
  const configured = log.apply({ type: "configureTenant", tenant: long, settings: OPEN });
  assert.match(configured[0] ?? "", /its name is too long/);
  await world.complete(node.stop());
});
