import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import { startNode } from "../../../runtime/actor/node.ts";
import { ask, protocol } from "../../../runtime/actor/protocol.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

const Clerk = protocol("test.clerk", {
  version: 1,
  messages: { look: ask(z.string(), z.string()), count: ask(z.null(), z.number()) },
});

function start(tasksPerActor = 10) {
  const env = simulatedEnv({ seed: 1 });
  const node = startNode(env, { id: "a", limits: { tasksPerActor } });
  const letters = new Map<string, PromiseWithResolvers<string>>();
  const aborted: string[] = [];
  const clerk = node.spawn(
    actor(Clerk, {
      state: () => ({ asked: 0 }),
      on: {
        look: (state, name) => {
          state.asked += 1;
          return later((signal) => {
            const letter = Promise.withResolvers<string>();
            letters.set(name, letter);
            signal.addEventListener("abort", () => {
              aborted.push(name);
              letter.reject(signal.reason);
            });
            return letter.promise;
          });
        },
        count: (state) => state.asked,
      },
    }),
    { name: "clerk" },
  );
  return { env, node, clerk, letters, aborted };
}

const codeOf = (error: unknown) => (error as { code?: string }).code;

Deno.test("asks that are answered later do not wait for each other, nor messages for them", async () => {
  const { env, node, clerk, letters } = start();
  await env.world.complete((async () => {
    const [first, second] = [clerk.ask("look", "first"), clerk.ask("look", "second")];
    assert.equal(await clerk.ask("count", null), 2);
    letters.get("second")!.resolve("2");
    assert.equal(await second, "2");
    letters.get("first")!.resolve("1");
    assert.equal(await first, "1");
    await node.stop();
  })());
});

Deno.test("a later reply that fails costs its ask and not the actor", async () => {
  const { env, node, clerk, letters } = start();
  await env.world.complete((async () => {
    const look = clerk.ask("look", "it").catch(codeOf);
    await clerk.ask("count", null);
    letters.get("it")!.reject(new Error("burnt"));
    assert.equal(await look, "HandlerFailed");
    assert.equal(await clerk.ask("count", null), 1);
    assert.equal(node.metrics().failures, 0);
    await node.stop();
  })());
});

Deno.test("who gives an ask up aborts what would have answered it", async () => {
  const { env, node, clerk, aborted } = start();
  await env.world.complete((async () => {
    assert.equal(await clerk.ask("look", "late", { withinMs: 50 }).catch(codeOf), "AskTimeout");
    await clerk.ask("count", null);
    assert.deepEqual(aborted, ["late"]);
    await node.stop();
  })());
});

Deno.test("the end of the actor settles every later reply", async () => {
  const { env, node, clerk, aborted } = start();
  await env.world.complete((async () => {
    const look = clerk.ask("look", "it").catch(codeOf);
    await clerk.ask("count", null);
    await node.stop();
    assert.equal(await look, "ActorStopped");
    assert.deepEqual(aborted, ["it"]);
  })());
});

Deno.test("more later replies than an actor may have are refused at once", async () => {
  const { env, node, clerk, letters } = start(1);
  await env.world.complete((async () => {
    const first = clerk.ask("look", "first");
    assert.equal(await clerk.ask("look", "second").catch(codeOf), "MailboxFull");
    letters.get("first")!.resolve("1");
    assert.equal(await first, "1");
    await node.stop();
  })());
});
