import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import type { InboundMessage } from "../../../runtime/actor/bridge.ts";
import { actor } from "../../../runtime/actor/definition.ts";
import { failNode } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { joined } from "./loopback.ts";

const Any = protocol("test.any", {
  version: 1,
  messages: {
    put: tell(z.number()),
    slow: tell(z.null()),
    crash: tell(z.null()),
    get: ask(z.null(), z.number()),
    slowGet: ask(z.null(), z.number()),
    crashGet: ask(z.null(), z.number()),
  },
});

const TELLS = ["put", "slow", "crash", "bad"] as const;
const ASKS = ["get", "slowGet", "crashGet", "bad"] as const;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("tell"), tag: fc.constantFrom(...TELLS) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("ask"),
      tag: fc.constantFrom(...ASKS),
      budgetMs: fc.constantFrom(0, 15, 1_000),
      cancelAfterMs: fc.constantFrom(null, 0, 12),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass"), ms: fc.constantFrom(1, 10, 40) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "stop" as const }) },
);

function start(full: "wait" | "reject" | "drop") {
  const { far: { node, dock }, world } = joined({
    limits: { waitingSenders: 3 },
    children: { backoffMs: [5, 20], max: 3 },
  });
  const slow = (env: typeof node.env): Promise<number> =>
    new Promise((resolve) => env.timers.after(20, () => resolve(1)));
  const crash = (): never => {
    throw new Error("crash");
  };
  const ref = node.spawn(
    actor(Any, {
      mailbox: { full, capacity: 2 },
      state: () => null,
      on: {
        put: () => {},
        slow: (_, _body, ctx) => slow(ctx.env),
        crash,
        get: () => 1,
        slowGet: async (_, _body, ctx) => await slow(ctx.env),
        crashGet: crash,
      },
    }),
    { name: "any" },
  );
  return { node, dock, world, ref };
}

function inbound(tag: string): InboundMessage {
  const body = tag === "put" ? 1 : tag === "bad" ? "bad" : null;
  return {
    path: "any",
    protocol: "test.any",
    version: 1,
    tag,
    body,
    node: "far",
    from: null,
    trace: null,
  };
}

Deno.test("whatever happens to an actor and its node, every message of others is answered for exactly once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("wait", "reject", "drop"),
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom("stop", "fail"),
      async (full, steps, end) => {
        const { node, dock, world, ref } = start(full);
        const receipts: number[] = [];
        const settled = new Map<number, number>();
        const receipt = () => {
          const id = receipts.push(0) - 1;
          return { id, processed: () => void (receipts[id]! += 1) };
        };
        for (const one of steps) {
          if (one.do === "tell") dock.tell(inbound(one.tag), receipt());
          else if (one.do === "pass") await world.pass(one.ms);
          else if (one.do === "stop") void node.stopActor(ref);
          else {
            const told = receipt();
            settled.set(told.id, 0);
            const settle = () => void settled.set(told.id, settled.get(told.id)! + 1);
            const settling = { reply: settle, fail: settle };
            const cancel = dock.ask(inbound(one.tag), one.budgetMs, settling, told);
            const { cancelAfterMs } = one;
            if (cancelAfterMs !== null) {
              world.schedule(cancelAfterMs, "cancel", () => cancel(new Error("cancel")));
            }
          }
        }
        if (end === "fail") failNode(node, new Error("end"));
        else await world.complete(node.stop());
        assert.deepEqual(receipts.filter((count) => count !== 1), []);
        assert.deepEqual([...settled.values()].filter((count) => count !== 1), []);
        await world.pass(100);
        assert.deepEqual(receipts.filter((count) => count !== 1), []);
        assert.deepEqual([...settled.values()].filter((count) => count !== 1), []);
      },
    ),
    { numRuns: 400 },
  );
});
