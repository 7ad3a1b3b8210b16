/** The scheduler of a leader: it proposes in its term, follows the fleet, and says why jobs wait. */

import assert from "node:assert/strict";
import { toldOf } from "../../../actors/controller/applied.ts";
import type { Candidate } from "../../../actors/scheduler/candidates.ts";
import type { SchedulerLimits } from "../../../actors/scheduler/limits.ts";
import { scheduler } from "../../../actors/scheduler/scheduler.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { virtualNode } from "../../../testing.ts";
import { Rig } from "../job/rig.ts";
import { Log } from "../tenant/log.ts";
import { registrationOf } from "./registrations.ts";
import { agentOf } from "./yard.ts";

const { spec } = new Rig();

function from(host: string): Partial<TransferSpec> {
  return {
    source: { ...spec.source, uri: `https://${host}/x` },
    destination: { ...spec.destination, uri: "memory:///to" },
  };
}

/** Agents that have registered, and those of them that the leader hears of. */
function cluster(agents: readonly Candidate[], limits: Partial<SchedulerLimits> = {}) {
  const log = new Log();
  log.term = 3;
  for (const { agent, slots } of [...agents, agentOf("a2")]) {
    const event = { type: "register", registration: registrationOf(agent, slots) } as const;
    log.apply({ type: "agentEvent", agent, event });
  }
  const fleet = { all: agents };
  const { node, world } = virtualNode({ roundTripMessages: false });
  const candidates = {
    list: () => fleet.all,
    find: (agent: string) => fleet.all.find((one) => one.agent === agent) ?? null,
  };
  const start = (term: number) => {
    const args = { group: log, candidates, term, limits };
    const ref = node.spawn(scheduler, { name: `scheduler-${term}`, args });
    log.subscribe((effects) => ref.tell("committed", { effects: toldOf(effects) }));
    return ref;
  };
  return { log, fleet, node, world, start };
}

Deno.test("a scheduler of another term is refused, and does not propose without end", async () => {
  const { log, node, world, start } = cluster([agentOf("a1")]);
  log.submit("acme", ["a"], from("h"));
  const index = log.state.index;
  start(2);
  await world.pass(1_000);
  assert.equal(log.states("acme"), "queued");
  assert.ok(log.state.index - index < 6, `${log.state.index - index} proposals in a second`);
  start(3);
  await world.pass(100);
  assert.equal(log.states("acme"), "assigned");
  await world.complete(node.stop());
});

Deno.test("an agent that comes takes what waits; one that is suspected takes nothing", async () => {
  const { log, fleet, node, world, start } = cluster([agentOf("a1", { isSuspect: true })]);
  const ref = start(3);
  log.submit("acme", ["a"], from("h"));
  await world.pass(100);
  assert.equal(log.states("acme"), "queued");
  const { lines } = await world.complete(ref.ask("explain", { jobId: "acme-a" }));
  assert.equal(lines[0], "agent a1 is suspected: its heartbeats are late");
  fleet.all = [agentOf("a1", { isSuspect: true }), agentOf("a2")];
  for (let n = 0; n < 100; n++) ref.tell("fleetChanged", {});
  await world.pass(100);
  assert.equal(log.state.jobs.get("acme-a")?.lease?.agent, "a2");
  const told = await world.complete(ref.ask("explain", { jobId: "acme-a" }));
  assert.deepEqual(told.lines, ["job acme-a is assigned: assigned to a2"]);
  await world.complete(node.stop());
});

Deno.test("hosts are counted over what is under way, whoever was leading when it began", async () => {
  const { log, node, world, start } = cluster([agentOf("a1", { slots: 9 })], { hostTransfers: 2 });
  log.submit("acme", ["a", "b", "c", "d"], from("h"));
  log.assign("acme-a");
  const ref = start(3);
  await world.pass(100);
  assert.equal(log.states("acme"), "assigned assigned queued queued");
  const { lines } = await world.complete(ref.ask("explain", { jobId: "acme-c" }));
  assert.equal(lines[0], "host h has 2 of 2 transfers from it");
  log.succeed("acme-a", 1);
  await world.pass(100);
  assert.equal(log.states("acme"), "succeeded assigned assigned queued");
  await world.complete(node.stop());
});

Deno.test("a host that has too much to do gets fewer transfers, and explain says why", async () => {
  const { log, node, world, start } = cluster([agentOf("a1", { slots: 9 })]);
  log.submit("acme", ["a", "b", "c", "d", "e"], from("h"));
  const ref = start(3);
  await world.pass(100);
  assert.equal(log.states("acme"), "assigned assigned assigned assigned assigned");
  const lease = log.state.jobs.get("acme-a")!.lease!;
  const error = { code: "rateLimited", message: "429", retryable: true, definite: true };
  const event = { type: "fail", lease, error, retryAtMs: 0 } as const;
  log.apply({ type: "jobEvent", jobId: "acme-a", event });
  await world.pass(100);
  const { lines } = await world.complete(ref.ask("explain", { jobId: "acme-a" }));
  const why = /^host h has 4 of 2 transfers from it, fewer since one has failed \(rateLimited\) at/;
  assert.match(lines[0]!, why);
  for (const name of ["b", "c", "d"]) log.succeed(`acme-${name}`, 1);
  await world.pass(100);
  assert.equal(log.states("acme"), "assigned succeeded succeeded succeeded assigned");
  await world.complete(node.stop());
});

Deno.test("a tenant that has moved much lately goes behind one that has not", async () => {
  const { log, node, world, start } = cluster([agentOf("a1")]);
  log.submit("moved", ["a", "b"], from("h"));
  log.assign("moved-a");
  log.submit("idle", ["a"], from("h"));
  start(3);
  log.succeed("moved-a", 1_000_000);
  await world.pass(100);
  assert.equal(log.states("idle"), "assigned");
  assert.equal(log.states("moved"), "succeeded queued");
  await world.complete(node.stop());
});
