/** Topics over simulated links: order, bounds, what is missed, reconnects. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { MissedQueue } from "../../../runtime/cluster/missed_queue.ts";
import type { SubscribeOptions } from "../../../runtime/cluster/topics.ts";
import { topic } from "../../../runtime/cluster/topic.ts";
import type { World } from "../../../runtime/sim/world.ts";
import {
  allUp,
  type ClusterNode,
  type ClusterNodeOptions,
  linkedMembers,
  memberOf,
  startMember,
  stopAll,
} from "./cluster_nodes.ts";

const Ticks = topic("test.ticks", { version: 1, schema: z.number() });

/** What a subscriber heard: `n@node`, or `missed n`. */
interface Heard {
  readonly log: string[];
  readonly end: () => void;
  /** Messages and missed ones together. */
  total(): number;
}

function hear({ cluster }: ClusterNode, options: SubscribeOptions = {}): Heard {
  const log: string[] = [];
  let total = 0;
  const subscription = cluster.topics.subscribe(Ticks, {
    message: (body, publisher) => {
      total += 1;
      log.push(`${body}@${publisher}`);
    },
    missed: (count) => {
      total += count;
      log.push(`missed ${count}`);
    },
  }, options);
  return { log, end: () => subscription.end(), total: () => total };
}

function publish({ cluster }: ClusterNode, from: number, to: number): void {
  for (let n = from; n < to; n += 1) cluster.topics.publish(Ticks, n);
}

function named(from: number, to: number, node: string): string[] {
  return Array.from({ length: to - from }, (_, index) => `${from + index}@${node}`);
}

async function pair(options: ClusterNodeOptions = {}): Promise<
  { world: World; nodes: ClusterNode[]; a: ClusterNode; b: ClusterNode }
> {
  const { world, nodes } = await linkedMembers(["a", "b"], options);
  return { world, nodes, a: nodes[0]!, b: nodes[1]! };
}

Deno.test("what a node publishes reaches subscribers on every node, in order", async () => {
  const { world, nodes } = await linkedMembers(["a", "b", "c"]);
  const heard = nodes.map((node) => hear(node));
  await world.pass(100);
  publish(nodes[0]!, 0, 200);
  await world.pass(100);
  for (const { log } of heard) assert.deepEqual(log, named(0, 200, "a"));
  await stopAll(world, nodes);
});

Deno.test("messages of each publisher stay in their order when several publish", async () => {
  const { world, nodes } = await linkedMembers(["a", "b", "c"]);
  const heard = hear(nodes[2]!);
  await world.pass(100);
  for (let n = 0; n < 100; n += 1) {
    publish(nodes[0]!, n, n + 1);
    publish(nodes[1]!, n, n + 1);
    await world.pass(1);
  }
  await world.pass(100);
  for (const name of ["a", "b"]) {
    assert.deepEqual(heard.log.filter((one) => one.endsWith(`@${name}`)), named(0, 100, name));
  }
  await stopAll(world, nodes);
});

Deno.test("a slow subscriber loses the oldest and is told how many, and slows nobody else", async () => {
  const { world, nodes, a, b } = await pair();
  const quick = hear(b, { capacity: 1_000 });
  const log: string[] = [];
  let release = Promise.withResolvers<void>();
  b.cluster.topics.subscribe(Ticks, {
    message: (body) => {
      log.push(String(body));
      return release.promise;
    },
    missed: (count) => void log.push(`missed ${count}`),
  }, { capacity: 4 });
  await world.pass(100);
  for (let n = 0; n < 100; n += 10) {
    publish(a, n, n + 10);
    await world.pass(50);
  }
  assert.deepEqual(quick.log, named(0, 100, "a"));
  assert.deepEqual(log, ["0"]);
  release.resolve();
  release = Promise.withResolvers();
  release.resolve();
  await world.pass(50);
  assert.deepEqual(log, ["0", "missed 95", "96", "97", "98", "99"]);
  assert.equal(b.cluster.topics.metrics().missed, 95);
  await stopAll(world, nodes);
});

Deno.test("a node that takes nothing costs its publisher a bounded queue, and learns the exact number", async () => {
  const { world, nodes, a, b } = await pair({ limits: { outletMessages: 16, deliverMessages: 8 } });
  const heard = hear(b);
  await world.pass(100);
  world.network.cut([["a", "b"]]);
  publish(a, 0, 500);
  assert.equal(a.cluster.topics.metrics().outletMessages, 16);
  await world.pass(1_000);
  world.network.heal();
  await world.pass(1_000);
  assert.equal(heard.total(), 500);
  assert.equal(heard.log.at(-1), "499@a");
  assert.deepEqual(heard.log, ["0@a", "missed 483", ...named(484, 500, "a")]);
  await stopAll(world, nodes);
});

Deno.test("bytes bound the queue of a node as well", async () => {
  const Blobs = topic("test.blobs", { version: 1, schema: z.string() });
  const { world, nodes, a, b } = await pair({
    limits: { outletBytes: 10_000, topicMessageBytes: 5_000, deliverBytes: 5_000 },
  });
  b.cluster.topics.subscribe(Blobs, { message: () => {} });
  await world.pass(100);
  for (let n = 0; n < 50; n += 1) a.cluster.topics.publish(Blobs, "x".repeat(2_000));
  assert.ok(a.cluster.topics.metrics().outletBytes <= 10_000);
  assert.throws(() => a.cluster.topics.publish(Blobs, "x".repeat(6_000)), { code: "TooLarge" });
  await stopAll(world, nodes);
});

Deno.test("a subscription survives a short loss of its link", async () => {
  const { world, nodes, a, b } = await pair();
  const heard = hear(b, { capacity: 1_000 });
  await world.pass(100);
  for (let n = 0; n < 20; n += 1) {
    publish(a, n * 10, n * 10 + 10);
    if (n % 5 === 2) world.network.reset("a", "b");
    await world.pass(100);
  }
  await world.pass(10_000);
  assert.equal(heard.total(), 200);
  const numbers = heard.log.filter((one) => one.includes("@")).map((one) => parseInt(one));
  assert.deepEqual(numbers, [...new Set(numbers)].sort((one, other) => one - other));
  assert.equal(numbers.at(-1), 199);
  await stopAll(world, nodes);
});

Deno.test("a subscriber that was unreachable hears again, and how many it missed meanwhile", async () => {
  const { world, nodes, a, b } = await pair();
  const heard = hear(b);
  await world.pass(100);
  publish(a, 0, 10);
  await world.pass(100);
  world.network.partition([["a"], ["b"]]);
  for (let n = 10; n < 310; n += 10) {
    publish(a, n, n + 10);
    await world.pass(1_000);
  }
  assert.equal(a.status("b"), "unreachable");
  assert.equal(a.cluster.topics.metrics().outletMessages, 0);
  world.network.heal();
  await allUp(world, nodes);
  await world.pass(2_000);
  assert.equal(heard.log.at(-1), "missed 300", "without a message that would show it");
  publish(a, 310, 320);
  await world.pass(1_000);
  assert.equal(heard.total(), 320);
  assert.deepEqual(heard.log, [...named(0, 10, "a"), "missed 300", ...named(310, 320, "a")]);
  await stopAll(world, nodes);
});

Deno.test("a publisher that starts again is heard from when it is linked", async () => {
  const { world, nodes, a, b } = await pair();
  const heard = hear(b);
  await world.pass(100);
  publish(a, 0, 5);
  await world.pass(100);
  a.env.crash("process");
  await world.pass(500);
  const members = [memberOf("a"), memberOf("b")];
  const again = startMember(world, "a", members, { env: a.env.restart() });
  await allUp(world, [again, nodes[1]!]);
  await world.pass(500);
  publish(again, 100, 105);
  await world.pass(500);
  assert.deepEqual(heard.log, [...named(0, 5, "a"), ...named(100, 105, "a")]);
  await stopAll(world, [again, b]);
});

Deno.test("a subscription that ended is released on every node", async () => {
  const { world, nodes, a, b } = await pair();
  const one = hear(b);
  const other = hear(b);
  await world.pass(100);
  one.end();
  publish(a, 0, 1);
  await world.pass(100);
  assert.deepEqual([one.log, other.log], [[], ["0@a"]]);
  assert.equal(a.cluster.topics.metrics().outlets, 1);
  other.end();
  await world.pass(100);
  assert.equal(a.cluster.topics.metrics().outlets, 0);
  assert.equal(b.cluster.topics.metrics().topics, 0);
  const again = hear(b);
  await world.pass(100);
  publish(a, 1, 2);
  await world.pass(100);
  assert.deepEqual(again.log, ["1@a"]);
  await stopAll(world, nodes);
});

Deno.test("a subscriber that throws misses that message, is told so, and hears the next", async () => {
  const { world, nodes, a } = await pair();
  const log: string[] = [];
  a.cluster.topics.subscribe(Ticks, {
    message: (body) => {
      if (body === 1) throw new Error("not this one");
      log.push(String(body));
    },
    missed: (count) => void log.push(`missed ${count}`),
  });
  publish(a, 0, 3);
  await world.pass(10);
  assert.deepEqual(log, ["0", "missed 1", "2"]);
  await stopAll(world, nodes);
});

Deno.test("a subscriber that does not take what it missed is told again, before the next message", async () => {
  const { world, nodes, a } = await pair();
  const log: string[] = [];
  let refusals = 2;
  a.cluster.topics.subscribe(Ticks, {
    message: (body) => void log.push(String(body)),
    missed: (count) => {
      refusals -= 1;
      if (refusals >= 0) throw new Error("not now");
      log.push(`missed ${count}`);
    },
  }, { capacity: 2 });
  publish(a, 0, 5);
  await world.pass(10);
  assert.deepEqual(log, [], "nothing comes before the gap is told");
  publish(a, 5, 6);
  await world.pass(2_000);
  assert.deepEqual(log, ["missed 4", "4", "5"]);
  await stopAll(world, nodes);
});

Deno.test("an actor subscribes; its subscription ends with it", async () => {
  const Listener = protocol("test.listener", {
    version: 1,
    messages: {
      tick: tell(z.number()),
      missed: tell(z.object({ count: z.number() })),
      sum: ask(z.null(), z.number()),
    },
  });
  const { world, nodes, a, b } = await pair();
  const listener = b.node.spawn(
    actor(Listener, {
      mailbox: { capacity: 1, full: "wait" },
      state: () => ({ sum: 0 }),
      on: {
        tick: (state, n) => void (state.sum += n),
        missed: (state, { count }) => void (state.sum += count * 1_000_000),
        sum: (state) => state.sum,
      },
    }),
    {},
  );
  b.cluster.topics.subscribeActor(Ticks, listener, "tick", { missedTag: "missed" });
  await world.pass(100);
  publish(a, 1, 101);
  await world.pass(100);
  assert.equal(await world.complete(listener.ask("sum", null)), 5_050);
  await world.complete(b.node.stopActor(listener));
  await world.pass(100);
  assert.equal(a.cluster.topics.metrics().outlets, 0);
  await stopAll(world, nodes);
});

Deno.test("a message that is not of its topic is missed, and hurts nothing else", async () => {
  const Loose = topic("test.ticks", { version: 1, schema: z.unknown() });
  const { world, nodes, a, b } = await pair();
  const heard = hear(b);
  await world.pass(100);
  a.cluster.topics.publish(Loose, "no number");
  publish(a, 1, 2);
  await world.pass(100);
  assert.deepEqual(heard.log, ["missed 1", "1@a"]);
  await stopAll(world, nodes);
});

Deno.test("whatever a queue loses, what is taken and what is missed add up, in order", () => {
  const acts = fc.array(fc.oneof(
    fc.constant("push" as const),
    fc.constant("take" as const),
    fc.constant("refuse" as const),
    fc.constant("putBack" as const),
    fc.integer({ min: 1, max: 5 }),
  ));
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), acts, (capacity, sequence) => {
    const queue = new MissedQueue<number>(capacity);
    let published = 0;
    let told = 0;
    const take = (isWanted: boolean): boolean => {
      const next = queue.take();
      if (next === null) return false;
      told += next.missed;
      if (!next.hasItem) return true;
      // Each item stands exactly where it was published: all before it were taken or told as missed.
      assert.equal(next.item, told);
      if (isWanted) told += 1;
      else queue.refuse();
      return true;
    };
    for (const act of sequence) {
      if (act === "push") queue.push(published++);
      else if (act === "take" || act === "refuse") take(act === "take");
      else if (act === "putBack") {
        const next = queue.take();
        queue.push(published++);
        if (next !== null) queue.putBack(next);
      } else {
        queue.skip(act);
        published += act;
      }
      assert.ok(queue.size <= capacity);
    }
    while (take(true));
    assert.equal(told, published);
  }));
});
