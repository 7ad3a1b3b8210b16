/** Singletons and keys over simulated links: moved, lost, fenced, never alive twice. */

import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { type Authority, memoryAuthority } from "../../../runtime/cluster/authority.ts";
import { kind, type Placed } from "../../../runtime/cluster/kind.ts";
import { clusterLimits } from "../../../runtime/cluster/limits.ts";
import { joinPlacement, type Placement } from "../../../runtime/cluster/placement.ts";
import type { Report } from "../../../runtime/cluster/placement_machine.ts";
import { findSingleton, singleton, startSingleton } from "../../../runtime/cluster/singleton.ts";
import type { World } from "../../../runtime/sim/world.ts";
import {
  allUp,
  type ClusterNode,
  linkedMembers,
  memberOf,
  startMember,
  stopAll,
} from "./cluster_nodes.ts";

const Shard = protocol("test.shard", {
  version: 1,
  messages: {
    who: ask(z.null(), z.object({ address: z.string(), key: z.string(), token: z.number() })),
    fail: tell(z.null()),
    quit: tell(z.null()),
  },
});

/** Every entity that lives, as `node key`, and its token; nobody lives twice. */
class Census {
  readonly alive = new Map<string, number>();
  readonly violations: string[] = [];
  readonly #tokens = new Map<string, number>();
  births = 0;

  born(node: string, { key, token }: Placed): void {
    for (const other of this.alive.keys()) {
      if (other.split(" ")[1] === key) this.violations.push(`${key} lives on ${node} and ${other}`);
    }
    const last = this.#tokens.get(key) ?? 0;
    if (token <= last) this.violations.push(`${key} has token ${token} after ${last}`);
    this.#tokens.set(key, token);
    this.births += 1;
    this.alive.set(`${node} ${key}`, token);
  }
  died(node: string, key: string): void {
    this.alive.delete(`${node} ${key}`);
  }
  crashed(node: string): void {
    for (const who of [...this.alive.keys()]) {
      if (who.startsWith(`${node} `)) this.alive.delete(who);
    }
  }
}

function shardOf(node: string, census: Census) {
  return actor(Shard, {
    state: (placed: Placed) => {
      census.born(node, placed);
      return placed;
    },
    on: {
      who: ({ key, token }, _, ctx) => ({ address: ctx.self.address, key, token }),
      fail: () => {
        throw new Error("this shard is broken");
      },
      quit: (_, __, ctx) => ctx.stop(),
    },
    stopping: ({ key }) => census.died(node, key),
  });
}

interface PlacedNode extends ClusterNode {
  readonly placement: Placement;
  readonly fences: Report[];
}

/** Everybody knows the kinds; "a" decides but holds nothing. */
function place(
  member: ClusterNode,
  census: Census,
  decides: boolean | Authority = true,
): PlacedNode {
  const { id } = member.node;
  const fences: Report[] = [];
  const shard = shardOf(id, census);
  const placement = joinPlacement(member.cluster, {
    kinds: id === "a" ? [] : [kind("shard", shard), singleton("boss", shard)],
    authority: "a",
    decides: id === "a" && decides,
    onNeedsFence: (held) => void fences.push(held),
  });
  return { ...member, placement, fences };
}

async function start(seed = 1) {
  const census = new Census();
  const { world, nodes } = await linkedMembers(["a", "b", "c"], { seed });
  const placed = nodes.map((member) => place(member, census));
  await world.pass(2_000);
  const [a, b, c] = placed as [PlacedNode, PlacedNode, PlacedNode];
  return { world, census, nodes: placed, a, b, c };
}

async function finish(world: World, census: Census, nodes: readonly ClusterNode[]): Promise<void> {
  assert.deepEqual(census.violations, []);
  await stopAll(world, nodes);
}

const Shards = kind("shard", shardOf("nobody", new Census()));
const Boss = singleton("boss", shardOf("nobody", new Census()));

async function who(world: World, { placement }: PlacedNode, key: string) {
  const ref = await world.complete(placement.find(Shards, key));
  return ref === null ? null : await world.complete(ref.ask("who", null));
}

Deno.test("a key lives on one node, is found from every other, and knows its token", async () => {
  const { world, census, nodes } = await start();
  await world.complete(nodes[1]!.placement.place(Shards, "x"));
  await world.complete(nodes[2]!.placement.place(Shards, "x"));
  await world.pass(100);
  const answers = [];
  for (const node of nodes) answers.push(await who(world, node, "x"));
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(answers[0], answers[2]);
  assert.deepEqual([answers[0]!.key, answers[0]!.token], ["x", 1]);
  assert.equal(census.alive.size, 1);
  await finish(world, census, nodes);
});

Deno.test("a singleton that is moved ends before it starts on the other node, with a higher token", async () => {
  const { world, census, nodes, a } = await start();
  for (const { placement } of nodes) await world.complete(startSingleton(placement, Boss));
  await world.pass(100);
  for (const to of ["c", "b", "c"]) {
    await world.complete(a.placement.move(Boss, "only", to));
    await world.pass(200);
    const ref = await world.complete(findSingleton(a.placement, Boss));
    assert.equal(ref!.address, `quorus://${to}/quorus.keeper/boss/only`);
  }
  assert.ok(census.births >= 3);
  assert.equal(census.alive.size, 1);
  await finish(world, census, nodes);
});

Deno.test("what a node held that starts again is granted anew; its old life has ended", async () => {
  const { world, census, nodes, a, b, c } = await start();
  await world.complete(a.placement.place(Shards, "x"));
  await world.complete(a.placement.move(Shards, "x", "b"));
  await world.pass(500);
  assert.ok(census.alive.has("b x"));
  b.env.crash("process");
  census.crashed("b");
  await world.pass(20_000);
  assert.equal(census.alive.size, 0, "nobody knows that the process has ended");
  assert.equal(a.fences.length, 1);
  const members = ["a", "b", "c"].map((name) => memberOf(name));
  const again = place(startMember(world, "b", members, { env: b.env.restart() }), census);
  await allUp(world, [a, again, c]);
  await world.pass(3_000);
  assert.equal(census.alive.size, 1);
  assert.ok((await who(world, c, "x"))!.token > 1);
  await finish(world, census, nodes.map((node) => node === b ? again : node));
});

Deno.test("what an earlier life held is granted anew although its end was not agreed on at first", async () => {
  const census = new Census();
  const { world, nodes } = await linkedMembers(["a", "b"]);
  const inMemory = memoryAuthority(nodes[0]!.env.clock, clusterLimits());
  let refused = 0;
  const forgetful: Authority = {
    ...inMemory,
    propose: (input) => {
      if (input.do !== "fenced" || refused > 0) return inMemory.propose(input);
      refused += 1;
      return Promise.reject(new Error("the leader has lost its term"));
    },
  };
  const [a, b] = nodes.map((member) => place(member, census, forgetful));
  await world.pass(2_000);
  await world.complete(a!.placement.place(Shards, "x"));
  await world.pass(500);
  assert.ok(census.alive.has("b x"));
  b!.env.crash("process");
  census.crashed("b");
  const members = ["a", "b"].map((name) => memberOf(name));
  const again = place(startMember(world, "b", members, { env: b!.env.restart() }), census);
  await allUp(world, [a!, again]);
  await world.pass(5_000);
  assert.equal(refused, 1);
  assert.equal(census.alive.size, 1);
  await finish(world, census, [a!, again]);
});

Deno.test("what a cut-off node holds waits for the fence, then lives elsewhere", async () => {
  const { world, census, nodes, a, b } = await start();
  await world.complete(a.placement.place(Shards, "x"));
  await world.complete(a.placement.move(Shards, "x", "b"));
  await world.pass(500);
  world.network.partition([["a", "c"], ["b"]]);
  await world.pass(60_000);
  assert.deepEqual([...census.alive.keys()], ["b x"]);
  const [held] = a.fences;
  assert.equal(held!.node, "b");
  census.crashed("b"); // it lives on, but whatever it writes is refused from now on
  await world.complete(a.placement.fence(held!));
  await world.pass(2_000);
  assert.deepEqual([...census.alive.keys()], ["c x"]);
  world.network.heal();
  await allUp(world, nodes);
  await world.pass(3_000);
  const left = b.node.inspect().filter(({ address }) => address.endsWith("/shard/x"));
  assert.equal(left.length, 0, "the fenced one is ended when its node is back");
  await finish(world, census, nodes);
});

Deno.test("a cut-off node that comes back without a fence goes on with what it holds", async () => {
  const { world, census, nodes, a } = await start();
  await world.complete(a.placement.place(Shards, "x"));
  await world.complete(a.placement.move(Shards, "x", "b"));
  await world.pass(500);
  const { births } = census;
  world.network.partition([["a", "c"], ["b"]]);
  await world.pass(30_000);
  world.network.heal();
  await allUp(world, nodes);
  await world.pass(3_000);
  assert.equal(census.births, births);
  assert.deepEqual([...census.alive.keys()], ["b x"]);
  await finish(world, census, nodes);
});

Deno.test("an entity that fails or stops is granted again after a pause, others are not touched", async () => {
  const { world, census, nodes, a } = await start();
  await world.complete(a.placement.place(Shards, "x"));
  await world.complete(a.placement.place(Shards, "y"));
  await world.pass(500);
  const yToken = (await who(world, a, "y"))!.token;
  for (const message of ["fail", "quit"] as const) {
    const ref = await world.complete(a.placement.find(Shards, "x"));
    ref!.tell(message, null);
    await world.pass(300);
    assert.equal(await who(world, a, "x"), null);
    await world.pass(2_000);
    assert.ok(await who(world, a, "x"));
  }
  assert.equal((await who(world, a, "y"))!.token, yToken);
  assert.equal(census.alive.size, 2);
  await finish(world, census, nodes);
});

Deno.test("a node that is drained holds nothing, and what was removed ends", async () => {
  const { world, census, nodes, a } = await start();
  for (let key = 0; key < 20; key += 1) await world.complete(a.placement.place(Shards, `k${key}`));
  await world.pass(500);
  const on = (node: string) =>
    [...census.alive.keys()].filter((who) => who.startsWith(node)).length;
  assert.ok(on("b") > 0 && on("c") > 0);
  await world.complete(a.placement.drain("b"));
  await world.pass(2_000);
  assert.deepEqual([on("b"), on("c")], [0, 20]);
  for (let key = 0; key < 20; key += 1) await world.complete(a.placement.remove(Shards, `k${key}`));
  await world.pass(2_000);
  assert.equal(census.alive.size, 0);
  assert.equal(await world.complete(a.placement.where(Shards, "k1")), null);
  await finish(world, census, nodes);
});

Deno.test("through resets, partitions, standstills and crashes, no key ever lives twice", async () => {
  for (const seed of [11, 12, 13]) {
    const { world, census, nodes, a } = await start(seed);
    const random = world.random.stream("test");
    const all = [...nodes];
    for (let key = 0; key < 6; key += 1) await world.complete(a.placement.place(Shards, `k${key}`));
    for (let round = 0; round < 40; round += 1) {
      await world.pass(random.next() * 4_000);
      const victim = 1 + Math.floor(random.next() * 2);
      const { node: { id }, env } = all[victim]!;
      const dice = random.next();
      if (dice < 0.2) world.network.reset("a", id);
      else if (dice < 0.4) world.network.partition([["a"], [id]]);
      else if (dice < 0.5) {
        env.stop();
        await world.pass(random.next() * 9_000);
        env.resume();
      } else if (dice < 0.6) {
        env.crash("process");
        census.crashed(id);
        const members = ["a", "b", "c"].map((name) => memberOf(name));
        all[victim] = place(startMember(world, id, members, { env: env.restart() }), census);
      } else if (dice < 0.8) world.network.heal();
      const to = random.next() < 0.5 ? "b" : "c";
      const moved = a.placement.move(Shards, `k${Math.floor(random.next() * 6)}`, to);
      await world.complete(moved);
    }
    world.network.heal();
    await allUp(world, all);
    await world.pass(15_000);
    assert.equal(census.alive.size, 6, `seed ${seed}: all live`);
    await finish(world, census, all);
  }
});
