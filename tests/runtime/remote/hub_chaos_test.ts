/** Two linked nodes whose connections break at random: what must hold whatever breaks. */

import assert from "node:assert/strict";
import { WheelEntry } from "../../../runtime/actor/wheel.ts";
import { SeededRandom } from "../../../runtime/sim/random.ts";
import { Any, askOf, CONTEXT, linkedPair, type Pair, stateOf, type TestNode } from "./hub_nodes.ts";

interface Watched {
  readonly by: TestNode;
  readonly told: string[];
  isEnded: boolean;
}

interface Run extends Pair {
  readonly random: SeededRandom;
  readonly watched: Watched[];
  readonly asks: { isSettled: boolean }[];
  readonly next: Record<string, number>;
}

const TAGS = ["tell", "vote", "big"] as const;

function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

/** Numbers per sender and lane; a path of its own each, so that the order of one can be seen. */
function send({ random, next }: Run, from: TestNode, to: TestNode): void {
  const tag = pick(random, TAGS);
  const path = `${tag}-from-${from.dock.node}`;
  for (let count = Math.floor(random.next() * 30); count > 0; count -= 1) {
    const n = next[path] ?? 0;
    const body = tag === "big" ? { n, bytes: new Uint8Array(3_000) } : { n };
    const delivery = from.hub.target(to.dock.node, path, Any).tell(tag, body, CONTEXT);
    if (delivery === "accepted") next[path] = n + 1;
  }
}

function act(run: Run): void {
  const { random, a, b, world, watched, asks } = run;
  const [from, to] = random.next() < 0.5 ? [a, b] : [b, a];
  const what = random.next();
  if (what < 0.55) send(run, from, to);
  else if (what < 0.7) {
    const path = `w${watched.length}`;
    const told: string[] = [];
    const watch = { by: from, told, isEnded: false };
    watched.push(watch);
    from.hub.watch(to.dock.node, path, (reason) => {
      const want = run.next[`tell-from-${to.dock.node}`] ?? 0;
      told.push(reason === "stopped" ? `stopped ${want}` : reason);
    });
  } else if (what < 0.8 && watched.length > 0) {
    const index = Math.floor(random.next() * watched.length);
    const watch = watched[index]!;
    watch.isEnded = true;
    (watch.by === a ? b : a).dock.end(`w${index}`, "stopped");
  } else if (what < 0.9) {
    const ask = { isSettled: false };
    asks.push(ask);
    const { outcome, cancel } = askOf(from, to.dock.node, pick(random, ["echo", "slow"]), 1);
    const settle = (): void => void (ask.isSettled = true);
    outcome.then(settle, settle);
    from.dock.deadlines.set(new Giving(() => (cancel(), settle())), 2_000);
  } else world.network.reset("a", "b");
}

/** Gives an ask up, as its caller does. */
class Giving extends WheelEntry {
  constructor(readonly giveUp: () => void) {
    super();
  }
  override expire(): void {
    this.giveUp();
  }
}

function assertOrder({ a, b }: Pair, seed: number): void {
  for (const { dock } of [a, b]) {
    const last = new Map<string, number>();
    for (const { path, body } of dock.received) {
      const { n } = body as { n: number };
      assert.ok(
        n > (last.get(path) ?? -1),
        `seed ${seed}: ${path} got ${n} after ${last.get(path)}`,
      );
      last.set(path, n);
    }
  }
}

function assertNothingLeft({ a, b }: Pair, seed: number): void {
  for (const node of [a, b]) {
    for (const view of node.hub.peers()) {
      assert.deepEqual(view.held, [], `seed ${seed}: credit of ${node.dock.node} leaks`);
      const { queued, asked, answering, unprocessed, unacknowledged, counters } = view;
      const left = { queued, asked, answering, unprocessed, unacknowledged };
      const none = { queued: 0, asked: 0, answering: 0, unprocessed: 0, unacknowledged: 0 };
      assert.deepEqual(left, none, `seed ${seed}: ${node.dock.node}`);
      assert.equal(counters?.wrongCredit ?? 0, 0, `seed ${seed}: credit that was not there`);
    }
  }
}

async function chaos(seed: number, steps: number, cuts: boolean): Promise<Run> {
  const limits = { targetWindowMessages: 64, bulkWindowBytes: 100_000, bulkWindowMessages: 32 };
  const pair = await linkedPair(seed, { limits }, { limits });
  const random = new SeededRandom(seed, "chaos");
  const run: Run = { ...pair, random, watched: [], asks: [], next: {} };
  for (let step = 0; step < steps; step += 1) {
    act(run);
    if (cuts && random.next() < 0.01) {
      run.world.network.partition([["a"], ["b"]]);
      await run.world.pass(random.next() * 25_000);
      run.world.network.heal();
    }
    await run.world.pass(random.next() < 0.1 ? random.next() * 400 : random.next() * 3);
  }
  run.world.network.heal();
  await run.world.pass(40_000);
  return run;
}

Deno.test("whatever sockets break: order, at most once, each watch ends once, nothing is left", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const run = await chaos(seed, 150, false);
    const { a, b, watched, asks } = run;
    assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"], `seed ${seed}`);
    assertOrder(run, seed);
    assertNothingLeft(run, seed);
    for (const [index, { told, isEnded }] of watched.entries()) {
      assert.equal(told.length, isEnded ? 1 : 0, `seed ${seed}: w${index} ${told}`);
    }
    assert.ok(asks.every(({ isSettled }) => isSettled), `seed ${seed}: an ask hangs`);
    assert.ok(!a.kinds().includes("unreachable b"), `seed ${seed}`);
  }
});

Deno.test("whatever is cut for however long: each watch ends once, nothing hangs, they meet again", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const run = await chaos(seed, 200, true);
    const { a, b, watched, asks } = run;
    assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"], `seed ${seed}`);
    assertOrder(run, seed);
    assertNothingLeft(run, seed);
    for (const [index, { told, isEnded }] of watched.entries()) {
      assert.ok(told.length <= 1, `seed ${seed}: w${index} ${told}`);
      // One that ended while nobody knew of the watch is told so when the watch arrives, or never ended.
      if (isEnded) assert.equal(told.length, 1, `seed ${seed}: w${index}`);
    }
    assert.ok(asks.every(({ isSettled }) => isSettled), `seed ${seed}: an ask hangs`);
  }
});
