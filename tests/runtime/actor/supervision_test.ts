import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import type { Context } from "../../../runtime/actor/definition.ts";
import type { Node } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import {
  backoffDelayMs,
  type ChildrenPolicy,
  Intensity,
  restarts,
  restartSet,
  type RestartType,
} from "../../../runtime/actor/supervision.ts";
import { virtualNode } from "../../../testing.ts";

Deno.test("restart intensity allows as many restarts in a sliding window as the policy says", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 1, max: 50 }),
    fc.array(fc.nat(20), { maxLength: 40 }),
    (max, perMs, gaps) => {
      const intensity = new Intensity(max, perMs);
      const all: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        all.push(now);
        const inWindow = all.filter((time) => now - time < perMs).length;
        assert.equal(intensity.allow(now), inWindow <= max);
      }
    },
  ));
});

Deno.test("backoff stays within its bounds and its upper bound doubles", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 500 }),
    fc.integer({ min: 500, max: 60_000 }),
    fc.integer({ min: 1, max: 40 }),
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    (minMs, maxMs, attempt, random) => {
      const delayMs = backoffDelayMs([minMs, maxMs], attempt, random);
      assert.ok(delayMs >= minMs && delayMs <= Math.min(maxMs, minMs * 2 ** attempt));
    },
  ));
});

Deno.test("each strategy restarts the children that OTP says", () => {
  const children = ["a", "b", "c"];
  assert.deepEqual(restartSet("oneForOne", children, "b"), ["b"]);
  assert.deepEqual(restartSet("oneForAll", children, "b"), ["a", "b", "c"]);
  assert.deepEqual(restartSet("restForOne", children, "b"), ["b", "c"]);
});

Deno.test("each restart type restarts after the ends that OTP says", () => {
  const table: [RestartType, boolean, boolean][] = [
    ["permanent", true, true],
    ["transient", false, true],
    ["temporary", false, false],
  ];
  for (const [type, stopped, failed] of table) {
    assert.equal(restarts(type, "stopped"), stopped);
    assert.equal(restarts(type, "failed"), failed);
  }
});

const Child = protocol("test.child", {
  version: 1,
  messages: { crash: tell(z.null()), leave: tell(z.null()), echo: ask(z.string(), z.string()) },
});
const Parent = protocol("test.parent", { version: 1, messages: { crash: tell(z.null()) } });

/** A supervisor whose children write their starts and stops into `events`. */
function family(
  node: Node,
  policy: ChildrenPolicy,
  children: readonly (readonly [string, RestartType])[],
  events: string[],
) {
  const child = (name: string) =>
    actor(Child, {
      state: (_: undefined, ctx) => {
        events.push(`start ${name} ${ctx.incarnation}`);
        return {};
      },
      on: {
        crash: () => {
          throw new Error(`${name} crashed`);
        },
        leave: (_s, _m, ctx) => ctx.stop(),
        echo: (_s, text) => text,
      },
      stopping: (_s, reason) => void events.push(`${reason} ${name}`),
    });
  return node.spawn(
    actor(Parent, {
      children: policy,
      state: (_: undefined, ctx: Context) => {
        for (const [name, restart] of children) ctx.spawn(child(name), { name, restart });
        return {};
      },
      on: {
        crash: () => {
          throw new Error("parent crashed");
        },
      },
    }),
    { name: "parent" },
  );
}

const THREE = [["a", "permanent"], ["b", "transient"], ["c", "permanent"]] as const;
const BACKOFF = { backoffMs: [10, 20] } as const;

for (
  const [strategy, expected] of [
    ["oneForOne", ["failed b", "start b 2"]],
    ["oneForAll", ["failed b", "stopped c", "stopped a", "start a 2", "start b 2", "start c 2"]],
    ["restForOne", ["failed b", "stopped c", "start b 2", "start c 2"]],
  ] as const
) {
  Deno.test(`${strategy} stops in reverse start order and starts in start order`, async () => {
    const { node, world } = virtualNode();
    const events: string[] = [];
    family(node, { strategy, ...BACKOFF }, THREE, events);
    events.length = 0;
    node.ref(Child, "quorus://virtual/parent/b").tell("crash", null);
    await world.pass(100);
    assert.deepEqual(events, expected);
    await world.complete(node.stop());
  });
}

Deno.test("a restart waits for the backoff, and messages sent meanwhile are handled after it", async () => {
  const { node, world } = virtualNode();
  const events: string[] = [];
  family(node, { backoffMs: [1_000, 1_000] }, THREE, events);
  const b = node.ref(Child, "quorus://virtual/parent/b");
  b.tell("crash", null);
  const reply = b.ask("echo", "after", { withinMs: 5_000 });
  await world.pass(900);
  assert.ok(!events.includes("start b 2"));
  assert.equal(node.inspect()[0]!.children[1]!.phase, "halted");
  assert.equal(await world.complete(reply), "after");
  assert.ok(events.includes("start b 2"));
  assert.equal(node.metrics().restarts, 1);
  await world.complete(node.stop());
});

Deno.test("a failure while a restart is pending joins it, and all start in order", async () => {
  const { node, world } = virtualNode();
  const events: string[] = [];
  family(node, { strategy: "restForOne", backoffMs: [1_000, 1_000] }, THREE, events);
  events.length = 0;
  node.ref(Child, "quorus://virtual/parent/b").tell("crash", null);
  await world.pass(500);
  node.ref(Child, "quorus://virtual/parent/a").tell("crash", null);
  await world.pass(900);
  assert.deepEqual(events, ["failed b", "stopped c", "failed a"]);
  await world.pass(200);
  assert.deepEqual(events.slice(3), ["start a 2", "start b 2", "start c 2"]);
  await world.complete(node.stop());
});

Deno.test("a permanent child that stops itself is started again, a transient one is not", async () => {
  const { node, world } = virtualNode();
  const events: string[] = [];
  family(node, BACKOFF, THREE, events);
  node.ref(Child, "quorus://virtual/parent/a").tell("leave", null);
  node.ref(Child, "quorus://virtual/parent/b").tell("leave", null);
  await world.pass(100);
  assert.ok(events.includes("start a 2") && !events.includes("start b 2"));
  assert.deepEqual(node.inspect()[0]!.children.map((one) => one.address.at(-1)), ["a", "c"]);
  await world.complete(node.stop());
});

Deno.test("a temporary child ends with the group and does not come back", async () => {
  const { node, world } = virtualNode();
  const events: string[] = [];
  family(
    node,
    { strategy: "oneForAll", ...BACKOFF },
    [["a", "permanent"], ["b", "temporary"], ["c", "permanent"]],
    events,
  );
  node.ref(Child, "quorus://virtual/parent/c").tell("crash", null);
  await world.pass(100);
  assert.deepEqual(events.slice(3), [
    "failed c",
    "stopped b",
    "stopped a",
    "start a 2",
    "start c 2",
  ]);
  await world.complete(node.stop());
});

Deno.test("one restart more than the intensity allows fails the supervisor, which restarts", async () => {
  const { node, world } = virtualNode({ children: BACKOFF });
  const events: string[] = [];
  family(node, { max: 2, perMs: 10_000, ...BACKOFF }, THREE, events);
  const b = node.ref(Child, "quorus://virtual/parent/b");
  for (let crash = 0; crash < 3; crash += 1) {
    b.tell("crash", null);
    await world.pass(100);
  }
  assert.equal(node.inspect()[0]!.incarnation, 2);
  assert.deepEqual(events.slice(-3), ["start a 1", "start b 1", "start c 1"]);
  await world.complete(node.stop());
});

Deno.test("crashes further apart than the window never escalate", async () => {
  const { node, world } = virtualNode({ children: BACKOFF });
  const events: string[] = [];
  family(node, { max: 1, perMs: 1_000, ...BACKOFF }, THREE, events);
  for (let crash = 0; crash < 5; crash += 1) {
    node.ref(Child, "quorus://virtual/parent/b").tell("crash", null);
    await world.pass(2_000);
  }
  assert.equal(node.inspect()[0]!.incarnation, 1);
  assert.ok(events.includes("start b 6"));
  await world.complete(node.stop());
});

Deno.test("a failing supervisor at the top ends the node, and every ask settles", async () => {
  const fatal: unknown[] = [];
  const { node, world } = virtualNode({
    children: { max: 0 },
    onFatal: (error) => fatal.push(error),
  });
  const events: string[] = [];
  const parent = family(node, BACKOFF, THREE, events);
  const a = node.ref(Child, "quorus://virtual/parent/a");
  parent.tell("crash", null);
  const asked = assert.rejects(a.ask("echo", "x"), { code: "ActorStopped" });
  await world.pass(100);
  await asked;
  assert.equal((fatal[0] as { code: string }).code, "IntensityExceeded");
  assert.equal(parent.tell("crash", null), "dead");
  await world.complete(node.stop());
});

Deno.test("a start that throws counts as one more failure of the child", async () => {
  const { node, world } = virtualNode({ children: { max: 3, ...BACKOFF } });
  let starts = 0;
  const flaky = actor(Child, {
    state: () => {
      starts += 1;
      if (starts === 2 || starts === 3) throw new Error("not yet");
      return {};
    },
    on: {
      crash: () => {
        throw new Error("crash");
      },
      leave: () => {},
      echo: (_s, text) => text,
    },
  });
  const ref = node.spawn(flaky, { name: "flaky" });
  ref.tell("crash", null);
  assert.equal(await world.complete(ref.ask("echo", "back")), "back");
  assert.equal(starts, 4);
  assert.equal(node.metrics().restarts, 3);
  await world.complete(node.stop());
});

Deno.test("a first start that throws is the spawner's error and leaves the name free", async () => {
  const { node, world } = virtualNode();
  let fails = true;
  const flaky = actor(Parent, {
    state: () => {
      if (fails) throw new Error("no disk");
      return {};
    },
    on: { crash: () => {} },
  });
  assert.throws(() => node.spawn(flaky, { name: "x" }), { code: "StartFailed" });
  fails = false;
  node.spawn(flaky, { name: "x" });
  assert.throws(() => node.spawn(flaky, { name: "x" }), { code: "NameTaken" });
  await world.complete(node.stop());
});

Deno.test("supervision does not wait for a busy supervisor: its child restarts meanwhile", async () => {
  const { node, world } = virtualNode();
  const Boss = protocol("test.boss", {
    version: 1,
    messages: { drive: ask(z.null(), z.string()) },
  });
  const worker = actor(Child, {
    state: () => ({}),
    on: {
      crash: () => {
        throw new Error("crash");
      },
      leave: () => {},
      echo: (_s, text) => text,
    },
  });
  const boss = node.spawn(
    actor(Boss, {
      children: BACKOFF,
      state: (_: undefined, ctx: Context) => ({ worker: ctx.spawn(worker, { name: "w" }) }),
      on: {
        drive: async (state) => {
          state.worker.tell("crash", null);
          return await state.worker.ask("echo", "alive again");
        },
      },
    }),
    { name: "boss" },
  );
  assert.equal(await world.complete(boss.ask("drive", null)), "alive again");
  await world.complete(node.stop());
});

Deno.test("a sibling whose start fails in a group restart sends the group back to wait", async () => {
  const { node, world } = virtualNode();
  const events: string[] = [];
  const part = (name: string) =>
    actor(Child, {
      state: (_: undefined, ctx) => {
        events.push(`start ${name} ${ctx.incarnation}`);
        if (name === "a" && ctx.incarnation === 2) throw new Error("not yet");
        return {};
      },
      on: {
        crash: () => {
          throw new Error("crash");
        },
        leave: () => {},
        echo: (_s, text) => text,
      },
    });
  node.spawn(
    actor(Parent, {
      children: { strategy: "oneForAll", ...BACKOFF },
      state: (_: undefined, ctx) => {
        for (const name of ["a", "b"]) ctx.spawn(part(name), { name });
        return {};
      },
      on: { crash: () => {} },
    }),
    { name: "parent" },
  );
  events.length = 0;
  node.ref(Child, "quorus://virtual/parent/b").tell("crash", null);
  await world.pass(200);
  assert.deepEqual(events, ["start a 2", "start a 3", "start b 2"]);
  await world.complete(node.stop());
});

Deno.test("whatever crashes when, all permanent children run again in the end, once each", async () => {
  const crash = fc.record({ child: fc.nat(3), waitMs: fc.nat(30) });
  const strategy = fc.constantFrom(
    "oneForOne" as const,
    "oneForAll" as const,
    "restForOne" as const,
  );
  await fc.assert(
    fc.asyncProperty(strategy, fc.array(crash, { maxLength: 12 }), async (strategy, crashes) => {
      const { node, world } = virtualNode({ seed: crashes.length + 1 });
      const names = ["a", "b", "c", "d"];
      const events: string[] = [];
      const children = names.map((name) => [name, "permanent"] as const);
      family(node, { strategy, max: 1_000, ...BACKOFF }, children, events);
      for (const { child, waitMs } of crashes) {
        node.ref(Child, `quorus://virtual/parent/${names[child]}`).tell("crash", null);
        await world.pass(waitMs);
      }
      await world.pass(1_000);
      const views = node.inspect()[0]!.children;
      assert.deepEqual(views.map((view) => view.phase), names.map(() => "running"));
      for (const name of names) {
        const own = events.filter((event) => event.includes(` ${name}`))
          .map((event) => event.startsWith("start") ? "start" : "end");
        own.forEach((event, index) => assert.equal(event, index % 2 === 0 ? "start" : "end"));
      }
      await world.complete(node.stop());
    }),
    { numRuns: 40 },
  );
});
