import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import type { Context } from "../../../runtime/actor/definition.ts";
import { Deadlines } from "../../../runtime/actor/deadlines.ts";
import { PendingAsk } from "../../../runtime/actor/envelope.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { virtualNode } from "../../../testing.ts";

const Slow = protocol("test.slow", {
  version: 1,
  messages: {
    after: ask(z.object({ ms: z.number() }), z.string()),
    fail: ask(z.object({ late: z.boolean() }), z.string()),
    remaining: ask(z.null(), z.number()),
    count: ask(z.null(), z.number()),
  },
});

const slow = actor(Slow, {
  state: () => ({ count: 0, aborted: 0 }),
  on: {
    after: async (state, { ms }, ctx) => {
      state.count += 1;
      const timer = Promise.withResolvers<string>();
      ctx.env.timers.after(ms, () => timer.resolve("done"));
      ctx.signal.addEventListener("abort", () => {
        state.aborted += 1;
        timer.resolve("given up");
      });
      return await timer.promise;
    },
    fail: async (_state, { late }) => {
      if (late) await Promise.resolve();
      throw new Error("broken");
    },
    remaining: (_state, _body, ctx) => ctx.remainingMs,
    count: (state) => state.count * 10 + state.aborted,
  },
});

Deno.test("ask brings the reply of a sync and of an async handler", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(slow, {});
  assert.equal(await world.complete(ref.ask("after", { ms: 50 })), "done");
  assert.equal(await world.complete(ref.ask("count", null)), 10);
  await world.complete(node.stop());
});

Deno.test("an ask that is not answered in time settles at its deadline, and its handler hears of it", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(slow, {});
  const late = assert.rejects(ref.ask("after", { ms: 1_000 }, { withinMs: 200 }), {
    code: "AskTimeout",
    definite: false,
  });
  await world.pass(199);
  assert.equal(node.inspect()[0]!.handling, "after");
  await world.pass(3);
  await late;
  assert.equal(await world.complete(ref.ask("count", null)), 11);
  await world.complete(node.stop());
});

Deno.test("an ask whose caller gave up while it waited is not handled at all", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(slow, {});
  const first = ref.ask("after", { ms: 500 });
  const second = assert.rejects(ref.ask("after", { ms: 1 }, { withinMs: 100 }), {
    code: "AskTimeout",
  });
  await world.complete(first);
  await second;
  assert.equal(await world.complete(ref.ask("count", null)), 10);
  assert.equal(node.metrics().expiredAsks, 1);
  await world.complete(node.stop());
});

Deno.test("an ask is cancelled by its caller's signal, before and while it is handled", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(slow, {});
  const aborted = AbortSignal.abort("no");
  await assert.rejects(ref.ask("count", null, { signal: aborted }), { code: "Cancelled" });
  const controller = new AbortController();
  const running = assert.rejects(ref.ask("after", { ms: 900 }, { signal: controller.signal }), {
    code: "Cancelled",
    cause: "stop it",
  });
  await world.pass(10);
  controller.abort("stop it");
  await running;
  assert.equal(await world.complete(ref.ask("count", null)), 11);
  await world.complete(node.stop());
});

for (const late of [false, true]) {
  Deno.test(`a handler that throws ${late ? "late" : "at once"} fails the ask and the actor`, async () => {
    const { node, world } = virtualNode();
    const ref = node.spawn(slow, {});
    await world.complete(assert.rejects(ref.ask("fail", { late }), (error) => {
      const { code, cause } = error as { code: string; cause: Error };
      assert.equal(code, "HandlerFailed");
      assert.equal(cause.message, "broken");
      return true;
    }));
    assert.equal(node.metrics().failures, 1);
    assert.equal(await world.complete(ref.ask("count", null)), 0);
    assert.equal(node.inspect()[0]!.restarts, 1);
    await world.complete(node.stop());
  });
}

Deno.test("asks in the mailbox of a stopped actor settle, those to a stopped one at once", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(slow, {});
  const running = ref.ask("after", { ms: 100_000 }, { withinMs: 200_000 });
  const waiting = assert.rejects(ref.ask("count", null), { code: "ActorStopped", definite: true });
  await world.pass(1);
  await world.complete(node.stopActor(ref));
  assert.equal(await running, "given up");
  await waiting;
  await assert.rejects(ref.ask("count", null), { code: "ActorStopped" });
  await world.complete(node.stop());
});

Deno.test("asks to nobody, to another protocol and to an unlinked node are told apart", async () => {
  const { node, world } = virtualNode();
  const Other = protocol("test.other", {
    version: 1,
    messages: { count: ask(z.null(), z.null()) },
  });
  node.spawn(slow, { name: "slow" });
  const asks: [Promise<unknown>, string][] = [
    [node.ref(Slow, "quorus://virtual/nobody").ask("count", null), "NoSuchActor"],
    [node.ref(Other, "quorus://virtual/slow").ask("count", null), "NoSuchActor"],
    [node.ref(Slow, "quorus://elsewhere/slow").ask("count", null), "Unreachable"],
  ];
  for (const [asked, code] of asks) await assert.rejects(asked, { code });
  assert.throws(() => node.ref(Slow, "http://virtual/slow"), { code: "BadName" });
  await world.complete(node.stop());
});

const Hop = protocol("test.hop", {
  version: 1,
  messages: {
    link: tell(z.object({ next: z.string() })),
    go: ask(z.object({ hops: z.number(), pause: z.boolean() }), z.string()),
    budget: ask(z.object({ hops: z.number() }), z.number()),
    inTask: ask(z.null(), z.string()),
    self: ask(z.null(), z.string()),
  },
});

const hop = actor(Hop, {
  state: () => ({ next: null as Ref<typeof Hop> | null, fromTask: "none" }),
  on: {
    link: (state, { next }, ctx) => {
      state.next = ctx.ref(Hop, next);
    },
    go: async (state, { hops, pause }) => {
      if (pause) await Promise.resolve();
      if (hops === 0) return "end";
      return await state.next!.ask("go", { hops: hops - 1, pause }).catch((error) =>
        `${error.code} ${error.details.chain?.length ?? ""}`
      );
    },
    budget: async (state, { hops }, ctx) => {
      const wait = Promise.withResolvers<void>();
      ctx.env.timers.after(100, () => wait.resolve());
      await wait.promise;
      if (hops === 0) return Math.round(ctx.remainingMs);
      return await state.next!.ask("budget", { hops: hops - 1 }, { withinMs: 60_000 });
    },
    inTask: (state, _body, ctx) => {
      ctx.task("ask", () => state.next!.ask("self", null));
      return "started";
    },
    self: (_state, _body, ctx: Context<typeof Hop>) =>
      ctx.self.ask("self", null).catch((error) => error.code as string),
  },
});

function ring(size: number) {
  const virtual = virtualNode();
  const refs = Array.from(
    { length: size },
    (_, index) => virtual.node.spawn(hop, { name: `h${index}` }),
  );
  refs.forEach((ref, index) => {
    ref.tell("link", { next: refs[(index + 1) % size]!.address });
  });
  return { ...virtual, refs };
}

for (const pause of [false, true]) {
  Deno.test(`a ring of awaited asks fails at once with CallCycle${pause ? ", after an await too" : ""}`, async () => {
    const { node, world, refs } = ring(3);
    const startedMs = world.nowMs;
    const reply = await world.complete(refs[0]!.ask("go", { hops: 9, pause }));
    assert.equal(reply, "CallCycle 4");
    assert.ok(world.nowMs - startedMs < 100);
    await world.complete(node.stop());
  });
}

Deno.test("an actor that asks itself in its handler gets CallCycle", async () => {
  const { node, world, refs } = ring(1);
  assert.equal(await world.complete(refs[0]!.ask("self", null)), "CallCycle");
  await world.complete(node.stop());
});

Deno.test("a chain of asks that closes no ring is answered, and asks of tasks belong to no chain", async () => {
  const { node, world, refs } = ring(4);
  assert.equal(await world.complete(refs[0]!.ask("go", { hops: 3, pause: true })), "end");
  assert.equal(await world.complete(refs[0]!.ask("inTask", null)), "started");
  await world.pass(10);
  assert.equal(node.metrics().failures, 0);
  await world.complete(node.stop());
});

Deno.test("the deadline of an ask travels with the asks of its handler", async () => {
  const { node, world, refs } = ring(3);
  const left = await world.complete(refs[0]!.ask("budget", { hops: 2 }, { withinMs: 1_000 }));
  assert.ok(left > 650 && left <= 700, String(left));
  await assert.rejects(world.complete(refs[0]!.ask("budget", { hops: 2 }, { withinMs: 250 })), {
    code: "AskTimeout",
  });
  await world.complete(node.stop());
});

Deno.test("a reply that the codec cannot carry fails the ask instead of arriving changed", async () => {
  const { node, world } = virtualNode();
  const Odd = protocol("test.odd", { version: 1, messages: { get: ask(z.null(), z.unknown()) } });
  const odd = actor(Odd, { state: () => null, on: { get: () => () => 1 } });
  const ref = node.spawn(odd, {});
  await world.complete(assert.rejects(ref.ask("get", null), (error) => {
    assert.equal((error as { cause: { code: string } }).cause.code, "NotEncodable");
    return true;
  }));
  await world.complete(node.stop());
});

const Pair = protocol("test.pair", {
  version: 1,
  messages: {
    start: ask(z.string(), z.string()),
    back: ask(z.string(), z.string()),
    hi: ask(z.null(), z.string()),
  },
});

Deno.test("asking back an actor that does not wait for the answer is no cycle", async () => {
  const { node, world } = virtualNode();
  const got: string[] = [];
  const pair = actor(Pair, {
    state: () => null,
    on: {
      start: (_, other, ctx) => {
        ctx.ref(Pair, other).ask("back", ctx.self.address).then((text) => got.push(text));
        return "started";
      },
      back: async (_, asker, ctx) => {
        await Promise.resolve();
        return await ctx.ref(Pair, asker).ask("hi", null);
      },
      hi: () => "hi",
    },
  });
  const one = node.spawn(pair, { name: "one" });
  const two = node.spawn(pair, { name: "two" });
  assert.equal(await world.complete(one.ask("start", two.address)), "started");
  await world.pass(1);
  assert.deepEqual(got, ["hi"]);
  await world.complete(node.stop());
});

Deno.test("a task may ask the actor whose async handler started it", async () => {
  const { node, world } = virtualNode();
  const got: string[] = [];
  const ref = node.spawn(
    actor(Pair, {
      state: () => null,
      on: {
        start: async (_, text, ctx) => {
          const self = ctx.self;
          ctx.task("ask", () => self.ask("hi", null));
          const wait = Promise.withResolvers<void>();
          ctx.env.timers.after(50, () => wait.resolve());
          await wait.promise;
          return text;
        },
        back: () => "",
        hi: () => "hi",
      },
      done: (_, end) => void got.push(end.ok ? end.value as string : (end.error as Error).message),
    }),
    {},
  );
  assert.equal(await world.complete(ref.ask("start", "x")), "x");
  await world.pass(1);
  assert.deepEqual(got, ["hi"]);
  await world.complete(node.stop());
});

Deno.test("an answered ask leaves the timer wheel", () => {
  const { env } = virtualNode();
  const deadlines = new Deadlines(env.clock, env.timers);
  const target = { address: "quorus://n/a", gaveUp: () => {} };
  const replies: unknown[] = [];
  const asked = new PendingAsk(
    target,
    "t",
    null,
    deadlines,
    (reply) => replies.push(reply),
    () => {},
  );
  deadlines.set(asked, 100);
  asked.reply("first");
  asked.reply("second");
  assert.deepEqual(replies, ["first"]);
  assert.equal(asked.dueTick, -1);
  deadlines.close();
});
