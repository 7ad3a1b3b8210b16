import assert from "node:assert/strict";
import { applyFaults } from "../../../runtime/sim/fault_apply.ts";
import { drawFaults } from "../../../runtime/sim/fault_draw.ts";
import {
  type Fault,
  FAULT_RANGES,
  type FaultEvent,
  type FaultPlan,
} from "../../../runtime/sim/faults.ts";
import { SeededRandom } from "../../../runtime/sim/random.ts";
import { World } from "../../../runtime/sim/world.ts";
import { Chatter } from "./chatter.ts";

const NODES = ["node-0", "node-1", "node-2"];
const MINUTE_MS = 60_000;
const SCOPE = { nodes: NODES, durationMs: 10 * MINUTE_MS };

const planOf = (seed: number, intensity = 1, scope = SCOPE) =>
  drawFaults(new SeededRandom(seed, "faults"), intensity, scope);

/** What a run under a plan came to. */
async function run(seed: number, plan: FaultPlan): Promise<{ hash: string; chatter: Chatter }> {
  const world = new World(seed);
  const chatter = new Chatter(world, seed, NODES.length);
  applyFaults(world, chatter, plan);
  await world.run(plan.durationMs);
  return { hash: world.traceHash(), chatter };
}

Deno.test("a plan is plain data, the same for the same random stream", () => {
  const plan = planOf(3);
  assert.deepEqual(planOf(3), plan);
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  assert.notDeepEqual(planOf(4), plan);
});

Deno.test("intensity says how many faults there are, from none on", () => {
  const count = (intensity: number) => {
    let sum = 0;
    for (let seed = 0; seed < 20; seed += 1) sum += planOf(seed, intensity).events.length;
    return sum / 20;
  };
  assert.equal(count(0), 0);
  assert.ok(count(0.1) < count(0.5) && count(0.5) < count(1));
  assert.ok(count(1) > 1_000);
});

/** Every number of a fault with the range it must lie in. */
function* bounded(fault: Fault): Iterable<[number, keyof typeof FAULT_RANGES]> {
  switch (fault.kind) {
    case "cut":
      return yield [fault.forMs, "cutMs"];
    case "clog":
      return yield [fault.forMs, "clogMs"];
    case "delay":
      yield [fault.delayMs.high, "delayMs"];
      return yield [fault.forMs, "spikeMs"];
    case "reset":
      return;
    case "crash":
      return yield [fault.forMs, "downMs"];
    case "stop":
      return yield [fault.forMs, "stopMs"];
    case "slow":
      yield [fault.turnMs, "slowTurnMs"];
      return yield [fault.forMs, "slowMs"];
    case "jump":
      return yield [fault.byMs, "jumpMs"];
    case "drift":
      yield [fault.wallPpm, "wallPpm"];
      return yield [fault.monotonicPpm, "monotonicPpm"];
    case "disk":
      for (const [name, rate] of Object.entries(fault.rates)) {
        yield [rate, name as keyof typeof FAULT_RANGES];
      }
      yield [fault.forMs, "diskMs"];
  }
}

Deno.test("every fault lies in its range, in time's order, and every kind is drawn", () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const { events } = planOf(seed);
    for (const [index, event] of events.entries()) {
      kinds.add(event.kind);
      assert.ok(event.atMs >= (events[index - 1]?.atMs ?? 0) && event.atMs < SCOPE.durationMs);
      for (const [value, name] of bounded(event)) {
        const { low, high } = FAULT_RANGES[name];
        assert.ok(value >= low && value <= high, `${event.kind} ${name} ${value}`);
      }
      if (event.kind === "cut") assert.ok(event.directions.every(([from, to]) => from !== to));
    }
  }
  assert.equal(kinds.size, 10);
});

Deno.test("a lone node suffers only what needs no other", () => {
  const { events } = planOf(1, 1, { nodes: ["node-0"], durationMs: 10 * MINUTE_MS });
  const kinds = new Set<string>(events.map(({ kind }) => kind));
  for (const kind of ["cut", "clog", "delay", "reset"]) assert.ok(!kinds.has(kind), kind);
  assert.ok(kinds.has("crash"));
});

Deno.test("a seed with its plan alone gives the same trace as after fifty others", async () => {
  const scope = { ...SCOPE, durationMs: MINUTE_MS };
  const hashOf = async (seed: number) => (await run(seed, planOf(seed, 0.8, scope))).hash;
  const alone = await hashOf(7);
  const hashes = new Set<string>([alone]);
  for (let seed = 100; seed < 150; seed += 1) hashes.add(await hashOf(seed));
  assert.equal(hashes.size, 51, "seeds differ");
  assert.equal(await hashOf(7), alone);
});

Deno.test("a plan read back from JSON, and any part of it, can be replayed", async () => {
  const plan = planOf(5, 0.7, { ...SCOPE, durationMs: MINUTE_MS });
  const again: FaultPlan = JSON.parse(JSON.stringify(plan));
  assert.equal((await run(5, again)).hash, (await run(5, plan)).hash);
  const half = { ...plan, events: plan.events.filter((_, index) => index % 2 === 0) };
  assert.equal((await run(5, half)).hash, (await run(5, half)).hash);
});

Deno.test("after the faults all is healed: everybody hears everybody", async () => {
  for (let seed = 0; seed < 10; seed += 1) {
    const world = new World(seed);
    const chatter = new Chatter(world, seed, NODES.length);
    const faults = applyFaults(
      world,
      chatter,
      planOf(seed, 0.9, { ...SCOPE, durationMs: 120_000 }),
    );
    await world.run(120_000);
    assert.ok(faults.happened > 20);
    assert.ok(NODES.every((node) => chatter.env(node).alive));
    await world.pass(5 * MINUTE_MS); // a connect that met nobody is tried again after up to 127 s
    chatter.heard.clear();
    await world.pass(10_000);
    assert.equal(chatter.heard.size, 6, `seed ${seed}: ${[...chatter.heard.keys()]}`);
    for (const [direction, count] of chatter.heard) assert.ok(count >= 9, `${direction} ${count}`);
  }
});

/** What a run of one fault comes to against one without it. */
async function alone(fault: Fault): Promise<{ chatter: Chatter; quiet: Chatter }> {
  const event: FaultEvent = { atMs: 5_000, ...fault };
  const { chatter } = await run(1, { durationMs: 40_000, events: [event] });
  const { chatter: quiet } = await run(1, { durationMs: 40_000, events: [] });
  return { chatter, quiet };
}

const heardBy = (chatter: Chatter, direction: string) => chatter.heard.get(direction)!;

Deno.test("each fault of a plan is seen by the nodes", async () => {
  const forMs = 20_000;
  const reset = await alone({ kind: "reset", between: ["node-0", "node-1"] });
  assert.deepEqual([reset.chatter.seen.ends, reset.quiet.seen.ends], [4, 0]);
  for (const crash of ["process", "power"] as const) {
    const { chatter } = await alone({ kind: "crash", node: "node-0", crash, forMs });
    assert.equal(chatter.seen.lives, 4);
    assert.ok(heardBy(chatter, "node-0>node-1") < 25);
  }
  const stop = await alone({ kind: "stop", node: "node-0", forMs });
  assert.ok(heardBy(stop.chatter, "node-0>node-1") < 25);
  assert.equal(heardBy(stop.chatter, "node-1>node-0"), heardBy(stop.quiet, "node-1>node-0"));
  const rates = { readErrorRate: 0, writeErrorRate: 1, syncErrorRate: 0, crashWriteErrorRate: 1 };
  const disk = await alone({ kind: "disk", node: "node-0", rates, forMs });
  assert.ok(disk.chatter.seen.writeErrors >= 19);
  const jump = await alone({ kind: "jump", node: "node-0", byMs: -5_000 });
  const wall = (chatter: Chatter, node: string) => chatter.env(node).clock.now();
  assert.equal(wall(jump.chatter, "node-1") - wall(jump.chatter, "node-0"), 5_000);
  const drift = await alone({ kind: "drift", node: "node-0", wallPpm: 1_000, monotonicPpm: -500 });
  assert.equal(wall(drift.chatter, "node-0") - wall(drift.chatter, "node-1"), 35);
  const slow = await alone({ kind: "slow", node: "node-0", turnMs: 2_000, forMs: 40_000 });
  assert.ok(heardBy(slow.chatter, "node-1>node-0") < heardBy(slow.quiet, "node-1>node-0"));
});

Deno.test("faults that overlap end when the last of them ends", async () => {
  const world = new World(1);
  const chatter = new Chatter(world, 1, 2);
  const directions = [["node-0", "node-1"]] as const;
  applyFaults(world, chatter, {
    durationMs: MINUTE_MS,
    events: [
      { atMs: 1_000, kind: "cut", directions, forMs: 30_000 },
      { atMs: 2_000, kind: "cut", directions, forMs: 1_000 },
    ],
  });
  await world.run(10_000);
  const path = world.network.path("node-0", "node-1");
  assert.equal(path.isBlocked, true);
  await world.run(32_000);
  assert.equal(path.isBlocked, false);
});

Deno.test("a process that stands still at the end of a stop is resumed, though another had been stopped", async () => {
  const world = new World(1);
  const chatter = new Chatter(world, 1, 2);
  applyFaults(world, chatter, {
    durationMs: MINUTE_MS,
    events: [
      { atMs: 1_000, kind: "stop", node: "node-0", forMs: 10_000 },
      { atMs: 2_000, kind: "crash", node: "node-0", crash: "process", forMs: 100 },
      { atMs: 3_000, kind: "stop", node: "node-0", forMs: 1_000 },
    ],
  });
  await world.run(12_000);
  chatter.heard.clear();
  await world.run(22_000);
  assert.ok(heardBy(chatter, "node-0>node-1") >= 9);
});
