/** Actors found by name on the members of a cluster. */

import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol } from "../../../runtime/actor/protocol.ts";
import { World } from "../../../runtime/sim/world.ts";
import { allUp, linkedMembers, memberOf, startMember, stopAll } from "./cluster_nodes.ts";

const messages = { name: ask(z.null(), z.string()) };
const Namer = protocol("test.namer", { version: 1, messages });
const Newer = protocol("test.namer", { version: 2, messages });
const namer = actor(Namer, {
  state: () => null,
  on: { name: (_, __, ctx) => ctx.self.address },
});

Deno.test("an actor is found on every member that has it, and can be asked there", async () => {
  const { world, nodes } = await linkedMembers(["a", "b", "c"]);
  const [a, b, c] = nodes as [typeof nodes[0], typeof nodes[0], typeof nodes[0]];
  a.node.spawn(namer, { name: "deep/namer" });
  c.node.spawn(namer, { name: "deep/namer" });
  const { refs, unanswered } = await world.complete(b.cluster.find(Namer, "deep/namer"));
  assert.deepEqual(unanswered, []);
  const names = await world.complete(Promise.all(refs.map((ref) => ref.ask("name", null))));
  assert.deepEqual(names, ["quorus://a/deep/namer", "quorus://c/deep/namer"]);
  await stopAll(world, nodes);
});

Deno.test("who has the name but speaks another protocol or version is not found", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  const ref = a.node.spawn(namer, { name: "namer" });
  const found = async (wanted: typeof Namer) =>
    (await world.complete(b.cluster.find(wanted, "namer"))).refs.length;
  assert.deepEqual([await found(Namer), await found(Newer)], [1, 0]);
  await world.complete(a.node.stopActor(ref));
  assert.equal(await found(Namer), 0);
  await stopAll(world, nodes);
});

Deno.test("a search asks only the node or the role that it names", async () => {
  const world = new World(1);
  const members = [
    memberOf("a", ["agent"]),
    memberOf("b", ["controller"]),
    memberOf("c", ["agent"]),
  ];
  const nodes = members.map(({ node }) => startMember(world, node, members));
  await allUp(world, nodes);
  for (const { node } of nodes) node.spawn(namer, { name: "namer" });
  const search = async (options: { node?: string; role?: string }) => {
    const found = await world.complete(nodes[0]!.cluster.find(Namer, "namer", options));
    return found.refs.map(({ address }) => address);
  };
  assert.deepEqual(await search({ role: "agent" }), ["quorus://a/namer", "quorus://c/namer"]);
  assert.deepEqual(await search({ node: "b" }), ["quorus://b/namer"]);
  assert.deepEqual(await search({ role: "gateway" }), []);
  await stopAll(world, nodes);
});

Deno.test("members that cannot be asked or do not answer in time are named", async () => {
  const { world, nodes } = await linkedMembers(["a", "b", "c"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  b.node.spawn(namer, { name: "namer" });
  world.network.partition([["a", "b"], ["c"]]);
  const startedMs = world.nowMs;
  const { refs, unanswered } = await world.complete(
    a.cluster.find(Namer, "namer", { withinMs: 500 }),
  );
  assert.deepEqual([refs.length, unanswered], [1, ["c"]]);
  assert.ok(world.nowMs - startedMs < 600);
  await world.pass(15_000);
  const later = a.cluster.find(Namer, "namer");
  assert.deepEqual((await world.complete(later)).unanswered, ["c"]);
  world.network.heal();
  await allUp(world, nodes);
  await stopAll(world, nodes);
});

Deno.test("a question that no path can answer does not hurt the registry", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  const { Registry, REGISTRY_PATH } = await import("../../../runtime/cluster/registry.ts");
  const ref = b.node.ref(Registry, `quorus://a/${REGISTRY_PATH}`);
  const body = { path: "//", protocol: "x", version: 1 };
  assert.equal(await world.complete(ref.ask("has", body)), false);
  assert.equal(a.node.metrics().restarts, 0);
  await stopAll(world, nodes);
});
