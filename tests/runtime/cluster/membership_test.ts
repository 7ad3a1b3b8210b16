/** Who belongs and how each does, over simulated links. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { failNode } from "../../../runtime/actor/node.ts";
import { topic } from "../../../runtime/cluster/topic.ts";
import { MemberList } from "../../../runtime/cluster/member_source.ts";
import { type MemberStatus, statusAfter } from "../../../runtime/cluster/membership.ts";
import type { PeerEvent } from "../../../runtime/remote/peer.ts";
import { World } from "../../../runtime/sim/world.ts";
import { allUp, linkedMembers, memberOf, startMember, stopAll } from "./cluster_nodes.ts";

Deno.test("members that dial each other at once are all up, and this node is one of them", async () => {
  const { world, nodes } = await linkedMembers(["a", "b", "c"]);
  for (const { cluster, node } of nodes) {
    const views = cluster.members();
    assert.deepEqual(views.map(({ node, status }) => `${node} ${status}`), [
      "a up",
      "b up",
      "c up",
    ]);
    assert.deepEqual(views.filter(({ isSelf }) => isSelf).map((view) => view.node), [node.id]);
  }
  await stopAll(world, nodes);
});

Deno.test("a member that was never there is neverSeen, until it starts", async () => {
  const world = new World(2);
  const members = [memberOf("a"), memberOf("b")];
  const a = startMember(world, "a", members);
  await world.pass(60_000);
  assert.equal(a.status("b"), "neverSeen");
  const b = startMember(world, "b", members);
  await allUp(world, [a, b]);
  assert.ok(a.events.includes("b neverSeen>up"));
  await stopAll(world, [a, b]);
});

Deno.test("a silent member is suspect within 5 s, unreachable after the grace, and up again when healed", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  await world.pass(30_000);
  world.network.partition([["a"], ["b"]]);
  await world.pass(5_000);
  assert.equal(a.status("b"), "suspect");
  assert.equal(b.status("a"), "suspect");
  await world.pass(5_100);
  assert.equal(a.status("b"), "unreachable");
  world.network.heal();
  await allUp(world, nodes);
  assert.deepEqual([...new Set(a.events)].slice(0, 3), [
    "b neverSeen>up",
    "b up>suspect",
    "b suspect>unreachable",
  ]);
  await stopAll(world, nodes);
});

Deno.test("a process that stands still for 2 s is not suspected", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  for (let round = 0; round < 10; round += 1) {
    await world.pass(3_000 + round * 137);
    b.env.stop();
    await world.pass(2_000);
    b.env.resume();
  }
  await world.pass(5_000);
  assert.deepEqual(a.events, ["b neverSeen>up"]);
  await stopAll(world, nodes);
});

Deno.test("a member that starts again is up with another incarnation", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  const before = a.cluster.member("b")!.incarnation;
  b.env.crash("process");
  await world.pass(1_000);
  assert.equal(a.status("b"), "suspect");
  const again = startMember(world, "b", [memberOf("a"), memberOf("b")], { env: b.env.restart() });
  await allUp(world, [a, again]);
  assert.notEqual(a.cluster.member("b")!.incarnation, before);
  await stopAll(world, [a, again]);
});

Deno.test("members that come are dialled, members that leave are disconnected", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  const three = [memberOf("a"), memberOf("b"), memberOf("c", ["agent"])];
  const c = startMember(world, "c", three);
  a.members.set(three);
  await world.complete(a.cluster.whenUp("c"));
  assert.deepEqual(a.cluster.member("c")!.roles, ["agent"]);
  a.members.set([memberOf("a"), memberOf("c", ["agent"])]);
  b.members.set([memberOf("b")]);
  await world.pass(1_000);
  assert.equal(a.cluster.member("b"), null);
  assert.notEqual(a.node.links.peers().find(({ node }) => node === "b")?.state, "up");
  assert.ok(a.events.includes("b up>up"), "it left while it was up");
  await stopAll(world, [a, b, c]);
});

Deno.test("a member whose token was wrong is linked once that is mended", async () => {
  const world = new World(5);
  const members = [memberOf("a"), memberOf("b")];
  const a = startMember(world, "a", members);
  const wrong = startMember(world, "b", members, {
    links: { token: "another token than all others" },
  });
  await world.pass(30_000);
  assert.equal(a.status("b"), "neverSeen");
  await world.complete(wrong.node.stop());
  wrong.env.crash("process");
  const b = startMember(world, "b", members, { env: wrong.env.restart() });
  await allUp(world, [a, b]);
  await stopAll(world, [a, b]);
});

Deno.test("a node that leaves says goodbye, hears nothing more, and cannot publish", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  const heard = [...a.events];
  await world.complete(a.cluster.leave());
  await world.complete(a.cluster.leave());
  await world.pass(100);
  assert.ok(b.events.includes("a up>unreachable"));
  assert.deepEqual(a.events, heard);
  const Topic = topic("test.any", { version: 1, schema: z.number() });
  assert.throws(() => a.cluster.topics.publish(Topic, 1), { code: "ClusterClosed" });
  await stopAll(world, nodes);
});

Deno.test("a node that fails leaves nothing behind that dials or waits", async () => {
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const [a, b] = nodes as [typeof nodes[0], typeof nodes[0]];
  await world.complete(b.node.stop());
  await world.pass(2_000);
  failNode(a.node, new Error("no more"));
  await world.settle();
  assert.equal(world.network.connections, 0);
});

Deno.test("only a link makes a member up, and only one that was up can be suspect", () => {
  const kinds = ["joining", "up", "down", "unreachable", "refused", "quarantined"] as const;
  fc.assert(fc.property(fc.array(fc.constantFrom<PeerEvent["kind"]>(...kinds)), (events) => {
    let status = "neverSeen" as MemberStatus;
    let wasUp = false;
    for (const kind of events) {
      const next: MemberStatus = statusAfter(status, kind);
      if (next === "up" && status !== "up") assert.equal(kind, "up");
      if (next === "suspect" && status !== "suspect") assert.equal(status, "up");
      wasUp ||= kind === "up";
      if (next === "unreachable") assert.ok(wasUp || status === "quarantined");
      status = next;
    }
  }));
});

Deno.test("a list with a node twice, a bad id or too many nodes is refused, and the old one stays", () => {
  const list = new MemberList([memberOf("a")], { members: 2 });
  assert.throws(() => list.set([memberOf("a"), memberOf("a")]), { code: "BadMembers" });
  assert.throws(() => list.set(["a", "b", "c"].map((id) => memberOf(id))), { code: "BadMembers" });
  assert.throws(() => list.set([memberOf("not a name")]), { code: "BadName" });
  assert.deepEqual(list.current(), [memberOf("a")]);
});
