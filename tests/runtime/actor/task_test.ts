import assert from "node:assert/strict";
import { z } from "zod";
import { actor, type Context, type TaskEnd } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { type VirtualNode, virtualNode } from "../../../testing.ts";

const Worker = protocol("test.worker", {
  version: 1,
  messages: {
    run: tell(z.object({ name: z.string(), how: z.string() })),
    abort: tell(z.string()),
    crash: tell(z.null()),
    holdAndCrash: tell(z.number()),
    ping: ask(z.null(), z.string()),
  },
});

interface Bench extends VirtualNode {
  readonly ends: TaskEnd[];
  readonly events: string[];
  readonly contexts: Context[];
  readonly release: PromiseWithResolvers<string>;
}

function bench(options: Parameters<typeof virtualNode>[0] = {}): Bench & {
  spawn(): ReturnType<typeof spawnWorker>;
} {
  const parts: Bench = {
    ...virtualNode({ children: { backoffMs: [10, 20] }, ...options }),
    ends: [],
    events: [],
    contexts: [],
    release: Promise.withResolvers<string>(),
  };
  return { ...parts, spawn: () => spawnWorker(parts) };
}

function work(how: string, signal: AbortSignal, parts: Bench): unknown {
  parts.events.push(`begin ${how}`);
  if (how === "value") return 42;
  if (how === "throw") throw new Error("task broke");
  if (how === "stubborn") return parts.release.promise;
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      parts.events.push("aborted");
      reject(signal.reason);
    });
  });
}

function spawnWorker(parts: Bench) {
  return parts.node.spawn(
    actor(Worker, {
      state: (_: undefined, ctx) => {
        parts.contexts.push(ctx as unknown as Context);
        parts.events.push(`start ${ctx.incarnation}`);
        return {};
      },
      on: {
        run: (_, { name, how }, ctx) => ctx.task(name, (signal) => work(how, signal, parts)),
        abort: (_, name, ctx) => ctx.abort(name, "not needed"),
        crash: () => {
          throw new Error("crash");
        },
        holdAndCrash: async (_, ms, ctx) => {
          const held = Promise.withResolvers<void>();
          ctx.env.timers.after(ms, () => held.resolve());
          await held.promise;
          throw new Error("crash");
        },
        ping: () => "pong",
      },
      done: (_, end) => void parts.ends.push(end),
      stopping: () => void parts.events.push("stopping"),
    }),
    { name: "worker" },
  );
}

Deno.test("a task's value and a task's error arrive as done, while the actor handles messages", async () => {
  const { node, world, ends, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "a", how: "value" });
  ref.tell("run", { name: "b", how: "throw" });
  ref.tell("run", { name: "c", how: "wait" });
  assert.equal(await world.complete(ref.ask("ping", null)), "pong");
  await world.pass(1);
  assert.deepEqual(ends[0], { name: "a", ok: true, value: 42 });
  assert.equal(ends[1]!.ok, false);
  assert.deepEqual(node.inspect()[0]!.tasks, ["c"]);
  await world.complete(node.stop());
});

Deno.test("an aborted task still settles as done, with the reason", async () => {
  const { node, world, ends, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "c", how: "wait" });
  await world.pass(1);
  ref.tell("abort", "c");
  await world.pass(1);
  assert.deepEqual(ends, [{ name: "c", ok: false, error: "not needed" }]);
  await world.complete(node.stop());
});

Deno.test("two running tasks cannot share a name", async () => {
  const { node, world, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "c", how: "wait" });
  ref.tell("run", { name: "c", how: "wait" });
  await world.pass(1);
  assert.equal(node.metrics().failures, 1);
  await world.complete(node.stop());
});

Deno.test("stopping aborts tasks and waits for them before clean-up, and done does not come", async () => {
  const { node, world, events, ends, release, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "a", how: "wait" });
  ref.tell("run", { name: "b", how: "stubborn" });
  await world.pass(1);
  const stopped = node.stopActor(ref);
  await world.pass(10);
  assert.deepEqual(events.slice(3), ["aborted"]);
  release.resolve("late");
  await world.complete(stopped);
  assert.deepEqual(events.slice(3), ["aborted", "stopping"]);
  assert.deepEqual(ends, []);
  await world.complete(node.stop());
});

Deno.test("a restart waits until the tasks of the old incarnation have settled", async () => {
  const { node, world, events, ends, release, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "b", how: "stubborn" });
  ref.tell("crash", null);
  await world.pass(1_000);
  assert.deepEqual(events, ["start 1", "begin stubborn"]);
  release.resolve("late");
  await world.pass(1_000);
  assert.deepEqual(events, ["start 1", "begin stubborn", "stopping", "start 2"]);
  assert.deepEqual(ends, []);
  await world.complete(node.stop());
});

Deno.test("the end of an old incarnation's task does not reach the new one", async () => {
  const { node, world, ends, spawn } = bench();
  const ref = spawn();
  ref.tell("run", { name: "a", how: "value" });
  ref.tell("holdAndCrash", 10);
  await world.pass(100);
  assert.equal(node.metrics().restarts, 1);
  assert.deepEqual(ends, []);
  await world.complete(node.stop());
});

Deno.test("a task that does not heed its signal ends the node after the bound", async () => {
  const fatal: { code: string; details: unknown }[] = [];
  const { node, world, spawn } = bench({
    limits: { settleMs: 500 },
    onFatal: (error) => fatal.push(error as { code: string; details: unknown }),
  });
  const ref = spawn();
  ref.tell("run", { name: "b", how: "stubborn" });
  ref.tell("crash", null);
  await world.pass(400);
  assert.equal(fatal.length, 0);
  const asked = assert.rejects(ref.ask("ping", null), { code: "ActorStopped" });
  await world.pass(200);
  await asked;
  assert.equal(fatal[0]!.code, "SettleTimeout");
  assert.deepEqual(fatal[0]!.details, { tasks: ["b"], handler: null });
  await node.stop();
});

Deno.test("a process that was stopped past the bound still lets old work settle", async () => {
  const fatal: unknown[] = [];
  const { node, env, world, spawn } = bench({
    limits: { settleMs: 500 },
    onFatal: (error) => fatal.push(error),
  });
  const ref = spawn();
  ref.tell("holdAndCrash", 600);
  await world.pass(1);
  const ended = node.stopActor(ref); // waits for the handler
  await world.pass(50);
  env.stop();
  await world.pass(5_000);
  env.resume();
  await world.complete(ended);
  assert.deepEqual(fatal, []);
  await world.complete(node.stop());
});

Deno.test("a context used after its incarnation ended throws ContextRevoked, whatever is called", async () => {
  const { node, world, contexts, spawn } = bench();
  const ref = spawn();
  ref.tell("crash", null);
  await world.pass(100);
  const old = contexts[0]!;
  assert.equal(contexts.length, 2);
  const uses: (() => unknown)[] = [
    () => old.self,
    () => old.signal,
    () => old.remainingMs,
    () => old.stop(),
    () => old.task("x", () => {}),
    () => old.log("info", "x"),
    () => old.ref(Worker, ref.address),
  ];
  for (const use of uses) assert.throws(use, { code: "ContextRevoked" });
  assert.equal(contexts[1]!.self.address, ref.address);
  await world.complete(node.stop());
});

Deno.test("an actor without done fails when its task fails", async () => {
  const { node, world } = virtualNode();
  const Simple = protocol("test.simple", { version: 1, messages: { go: tell(z.null()) } });
  const simple = actor(Simple, {
    state: () => null,
    on: { go: (_, _body, ctx) => ctx.task("t", () => Promise.reject(new Error("lost"))) },
  });
  node.spawn(simple, { restart: "temporary" }).tell("go", null);
  await world.pass(1);
  assert.equal(node.metrics().failures, 1);
  assert.equal(node.metrics().actors, 0);
  await world.complete(node.stop());
});
