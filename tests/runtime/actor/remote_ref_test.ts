import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ActorError } from "../../../runtime/actor/errors.ts";
import { attach, failNode } from "../../../runtime/actor/node.ts";
import { ask, laneOf, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { virtualNode } from "../../../testing.ts";
import { joined } from "./loopback.ts";

const Store = protocol("test.store", {
  version: 1,
  messages: {
    put: tell(z.object({ key: z.string(), value: z.unknown() })),
    chunk: tell(z.instanceof(Uint8Array), { lane: "bulk" }),
    get: ask(z.string(), z.unknown()),
    vote: ask(z.null(), z.number(), { lane: "consensus" }),
    wait: ask(z.object({ ms: z.number() }), z.string()),
    remaining: ask(z.null(), z.number()),
    crash: ask(z.null(), z.null()),
    seen: ask(z.null(), z.number()),
  },
});

const store = actor(Store, {
  state: () => ({ values: new Map<string, unknown>(), aborted: 0 }),
  on: {
    put: (state, { key, value }) => void state.values.set(key, value),
    chunk: (state, bytes) => void state.values.set("chunk", bytes),
    get: (state, key) => state.values.get(key),
    vote: () => 7,
    wait: async (state, { ms }, ctx) => {
      const done = Promise.withResolvers<string>();
      ctx.env.timers.after(ms, () => done.resolve("done"));
      ctx.signal.addEventListener("abort", () => {
        state.aborted += 1;
        done.resolve("given up");
      });
      return await done.promise;
    },
    remaining: (_state, _body, ctx) => ctx.remainingMs,
    crash: () => {
      throw new Error("broken");
    },
    seen: (state) => state.aborted,
  },
});

function start() {
  const pair = joined();
  const local = pair.far.node.spawn(store, { name: "store" });
  const ref = pair.near.node.ref(Store, local.address);
  return { ...pair, local, ref, complete: pair.world.complete.bind(pair.world) };
}

Deno.test("tell and ask reach an actor of another node, in order and unchanged", async () => {
  const { ref, complete, stop } = start();
  const value = { big: 12n, when: new Date(5), map: new Map([[1, undefined]]) };
  assert.equal(ref.tell("put", { key: "a", value: 1 }), "accepted");
  assert.equal(ref.tell("put", { key: "a", value }), "accepted");
  assert.deepEqual(await complete(ref.ask("get", "a")), value);
  await complete(ref.send("chunk", Uint8Array.of(1, 2)));
  assert.deepEqual(await complete(ref.ask("get", "chunk")), Uint8Array.of(1, 2));
  await stop();
});

Deno.test("a protocol names the lane of each message, and links see it", async () => {
  const { ref, near, complete, stop } = start();
  ref.tell("put", { key: "a", value: 1 });
  ref.tell("chunk", Uint8Array.of(1));
  await complete(ref.ask("vote", null));
  assert.deepEqual(near.lanes, ["message", "bulk", "consensus"]);
  assert.equal(laneOf(Store, "toString"), "message");
  await stop();
});

Deno.test("a remote ask settles at its deadline, and the far handler hears of it", async () => {
  const { world, ref, near, complete, stop } = start();
  const late = assert.rejects(ref.ask("wait", { ms: 1_000 }, { withinMs: 200 }), {
    code: "AskTimeout",
    definite: false,
  });
  await world.pass(199);
  assert.equal(near.cancels, 0);
  await world.pass(10);
  await late;
  assert.equal(near.cancels, 1);
  assert.equal(await complete(ref.ask("seen", null)), 1);
  await stop();
});

Deno.test("a signal cancels a remote ask before it leaves and while it is handled", async () => {
  const { world, ref, near, complete, stop } = start();
  await assert.rejects(ref.ask("seen", null, { signal: AbortSignal.abort() }), {
    code: "Cancelled",
  });
  const controller = new AbortController();
  const asked = assert.rejects(ref.ask("wait", { ms: 900 }, { signal: controller.signal }), {
    code: "Cancelled",
    cause: "enough",
  });
  await world.pass(50);
  controller.abort("enough");
  await asked;
  assert.equal(near.cancels, 1);
  assert.equal(await complete(ref.ask("seen", null)), 1);
  await stop();
});

Deno.test("failures of the far side come back with their code", async () => {
  const { ref, near, complete, stop } = start();
  await complete(assert.rejects(ref.ask("crash", null), { code: "HandlerFailed" }));
  const nobody = near.node.ref(Store, "quorus://far/nobody");
  await complete(assert.rejects(nobody.ask("seen", null), { code: "NoSuchActor" }));
  await stop();
});

Deno.test("a reply that does not fit the asker's schema is BadMessage and harms nobody", async () => {
  const { ref, near, complete, stop, local } = start();
  const Strict = protocol("test.store", {
    version: 1,
    messages: { get: ask(z.string(), z.object({ ok: z.boolean() })) },
  });
  const strict = near.node.ref(Strict, ref.address);
  await complete(assert.rejects(strict.ask("get", "a"), { code: "BadMessage" }));
  assert.equal(await complete(local.ask("seen", null)), 0);
  await stop();
});

const Front = protocol("test.front", {
  version: 1,
  messages: {
    budget: ask(z.object({ withinMs: z.number() }), z.number()),
    send: ask(z.null(), z.string()),
    sendInTask: tell(z.null()),
  },
});

function front(target: Ref<typeof Store>) {
  return actor(Front, {
    state: () => null,
    on: {
      budget: async (_, { withinMs }, ctx) => {
        const pause = Promise.withResolvers<void>();
        ctx.env.timers.after(100, () => pause.resolve());
        await pause.promise;
        return await target.ask("remaining", null, { withinMs });
      },
      send: (): Promise<string> =>
        target.send("put", { key: "from", value: 1 }).then(() => "sent", (error) => error.code),
      sendInTask: (_, _body, ctx) =>
        ctx.task("send", () => target.send("put", { key: "task", value: 1 })),
    },
    done: () => {},
  });
}

Deno.test("the budget of a remote ask is cut to what the handler's own caller still waits", async () => {
  const { near, ref, complete, stop } = start();
  const asker = near.node.spawn(front(ref), {});
  const cut = await complete(asker.ask("budget", { withinMs: 60_000 }, { withinMs: 1_000 }));
  assert.ok(cut > 850 && cut <= 901, String(cut));
  const own = await complete(asker.ask("budget", { withinMs: 300 }, { withinMs: 1_000 }));
  assert.ok(own > 250 && own <= 300, String(own));
  await stop();
});

Deno.test("send to another node is refused in a handler and allowed in a task", async () => {
  const { near, ref, world, complete, stop } = start();
  const asker = near.node.spawn(front(ref), {});
  assert.equal(await complete(asker.ask("send", null)), "WaitInHandler");
  asker.tell("sendInTask", null);
  await world.pass(50);
  assert.equal(await complete(ref.ask("get", "task")), 1);
  assert.equal(await complete(ref.ask("get", "from")), undefined);
  await stop();
});

Deno.test("without links or association every call says Unreachable, and what was told is a dead letter", async () => {
  const { node, world } = virtualNode();
  const alone = node.ref(Store, "quorus://far/store");
  assert.equal(alone.tell("put", { key: "a", value: 1 }), "unreachable");
  await assert.rejects(alone.send("put", { key: "a", value: 1 }), { code: "Unreachable" });
  await assert.rejects(alone.ask("seen", null), { code: "Unreachable" });
  assert.equal(node.deadLetters.count, 2);
  await world.complete(node.stop());
  const { ref, cut, near, stop } = start();
  cut();
  assert.equal(ref.tell("put", { key: "a", value: 1 }), "unreachable");
  assert.equal(near.node.deadLetters.count, 1);
  await stop();
});

Deno.test("a ref made before the node had links uses them once it has", async () => {
  const { node, world } = virtualNode();
  const ref = node.ref(Store, "quorus://far/store");
  assert.equal(ref.tell("put", { key: "a", value: 1 }), "unreachable");
  const told: string[] = [];
  attach(node, () => ({
    target: () => ({
      tell: (tag) => (told.push(tag), "accepted"),
      send: () => Promise.resolve(),
      ask: () => () => {},
    }),
    watch: () => () => {},
  }));
  assert.equal(ref.tell("put", { key: "a", value: 1 }), "accepted");
  assert.deepEqual(told, ["put"]);
  assert.throws(() => attach(node, () => assert.fail()), { code: "NameTaken" });
  await world.complete(node.stop());
});

/** What is asked of a node that has stopped was certainly never done. */
function late(words: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ActorError && error.code === "NodeStopped" && error.definite &&
    words.test(error.message);
}

Deno.test("stopping a node settles its remote asks, after its actors have drained", async () => {
  const { world, near, far, ref, complete, stop } = start();
  const asker = near.node.spawn(front(ref), {});
  const busy = near.node.ref(Store, far.node.spawn(store, { name: "busy" }).address);
  const outside = assert.rejects(busy.ask("wait", { ms: 4_000 }), { code: "NodeStopped" });
  const inside = asker.ask("budget", { withinMs: 1_000 });
  await world.pass(1);
  const stopped = near.node.stop();
  assert.ok(await complete(inside) > 0);
  await complete(stopped);
  await outside;
  assert.deepEqual(near.ends, ["stopped"]);
  assert.equal(ref.tell("put", { key: "a", value: 1 }), "unreachable");
  await assert.rejects(ref.ask("get", "a"), late(/ask "get" .*: this node has stopped; /));
  const sent = ref.send("put", { key: "a", value: 1 });
  await assert.rejects(sent, late(/send "put" .*: this node has stopped; /));
  const { reason, error } = await near.node.ended(ref);
  assert.ok(reason === "unreachable" && late(/watch .*: this node has stopped; /)(error));
  await stop();
});

Deno.test("node.stop() waits for its links to close, within a bound, and then no longer", async () => {
  for (const closesAfterMs of [100, 1_000_000]) {
    const { node, world, env } = virtualNode({ limits: { closeMs: 2_000 } });
    const nothing = { target: () => assert.fail(), watch: () => () => {} };
    const closed = Promise.withResolvers<void>();
    attach(node, () => nothing, () => closed.promise);
    env.timers.after(closesAfterMs, () => closed.resolve());
    const startedMs = world.nowMs;
    await world.complete(node.stop());
    const tookMs = world.nowMs - startedMs;
    assert.ok(tookMs >= 100 && tookMs <= 2_010, String(tookMs));
  }
});

Deno.test("links that fail to close do not keep a node from ending", async () => {
  const nothing = { target: () => assert.fail(), watch: () => () => {} };
  const hooks = [
    () => Promise.reject(new Error("late")),
    (): void => {
      throw new Error("at once");
    },
  ];
  for (const hook of hooks) {
    const stopped = virtualNode();
    attach(stopped.node, () => nothing, hook);
    await stopped.world.complete(stopped.node.stop());
    const failed = virtualNode();
    attach(failed.node, () => nothing, hook);
    failNode(failed.node, new Error("crash"));
    await failed.world.complete(failed.node.stop());
  }
});

Deno.test("a node that fails tells its links at once and settles what waits for others", async () => {
  let fatal: unknown = null;
  const { world, near, far, ref, complete } = (() => {
    const pair = joined({ onFatal: (error) => fatal = error });
    const local = pair.far.node.spawn(store, { name: "store" });
    const ref = pair.near.node.ref(Store, local.address);
    return { ...pair, ref, complete: pair.world.complete.bind(pair.world) };
  })();
  const asked = assert.rejects(ref.ask("wait", { ms: 4_000 }), { code: "NodeStopped" });
  const watched = near.node.ended(ref);
  await world.pass(20);
  failNode(near.node, new Error("unhandled"));
  await asked;
  assert.equal((await watched).reason, "unreachable");
  assert.deepEqual([near.ends, near.watches], [["failed"], 0]);
  assert.equal((fatal as unknown as Error).message, "unhandled");
  await complete(far.node.stop());
});
