import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";

const Greedy = protocol("test.greedy", {
  version: 1,
  messages: { take: ask(z.string(), z.string()), work: ask(z.null(), z.null()) },
});

const small = {
  limits: { tasksPerActor: 2, timersPerActor: 2, childrenPerActor: 2, waitingSenders: 2 },
};

const leaf = actor(Greedy, { state: () => null, on: { take: () => "", work: () => null } });

const greedy = actor(Greedy, {
  mailbox: { capacity: 1, full: "wait" },
  state: () => null,
  on: {
    take: (_, what, ctx) => {
      try {
        for (let count = 0; count < 3; count += 1) {
          if (what === "tasks") {
            ctx.task(
              `t${count}`,
              (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
            );
          } else if (what === "children") ctx.spawn(leaf, {});
          else if (what === "strangers") ctx.stop(ctx.self);
        }
        return "all taken";
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    work: () => null,
  },
});

for (
  const [what, code] of [["tasks", "TooMany"], ["children", "TooMany"], [
    "strangers",
    "NoSuchActor",
  ]] as const
) {
  Deno.test(`more ${what} than allowed are refused with ${code}`, async () => {
    const { node, world } = virtualNode({ ...small, limits: { ...small.limits } });
    const ref = node.spawn(greedy, {});
    assert.equal(await world.complete(ref.ask("take", what)), code);
    await world.complete(node.stop());
  });
}

Deno.test("one sender more than may wait for room is refused with MailboxFull", async () => {
  const { node, world } = virtualNode(small);
  const ref = node.spawn(greedy, {});
  const asks = [1, 2, 3].map(() => ref.ask("work", null));
  const refused = assert.rejects(ref.ask("work", null), { code: "MailboxFull" });
  await refused;
  assert.deepEqual(await world.complete(Promise.all(asks)), [null, null, null]);
  await world.complete(node.stop());
});
