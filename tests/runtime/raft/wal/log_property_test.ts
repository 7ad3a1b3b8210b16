import fc from "fast-check";
import type { RaftLogStore } from "../../../../runtime/raft/storage.ts";
import { openRaftLog } from "../../../../runtime/raft/wal/open.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../../runtime/sim/env.ts";
import { assertRestored, FIRST, reopened } from "./log_model.ts";
import { OrderMaker } from "./order_maker.ts";

/** Numbers in [0, 1) that shrink to few and to small ones; after the last come zeros. */
const dice = fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 20, maxLength: 200 });

/** How one life ends. */
const endings = fc.constantFrom("close" as const, "process" as const, "power" as const);

function open(env: SimulatedEnv, maker: OrderMaker, segmentBytes: number): Promise<RaftLogStore> {
  return openRaftLog(env, {
    folder: "/g",
    identity: { group: "g", member: "a" },
    limits: { segmentBytes, reserveBytes: 2 * segmentBytes, syncEveryBytes: 4_096 },
    first: FIRST,
    create: true,
    newest: maker.newest,
  });
}

Deno.test("after any orders and compactions, a log that is opened again is what a simple model says", async () => {
  const lives = fc.array(fc.tuple(fc.nat(25), endings), { minLength: 1, maxLength: 4 });
  const lengths = fc.integer({ min: 600, max: 9_000 });
  await fc.assert(
    fc.asyncProperty(dice, lives, lengths, async (numbers, lives, segmentBytes) => {
      let at = 0;
      const maker = new OrderMaker(() => (numbers[at++] ?? 0) / 1_000, 700);
      let env = simulatedEnv({ seed: 1, tornWrites: true });
      let compacted = 0;
      for (const [steps, ending] of lives) {
        const log = await env.world.complete(open(env, maker, segmentBytes));
        maker.state = reopened(maker.state, maker.newest);
        assertRestored(log.restored, maker.state, maker.newest, compacted);
        const work: Promise<void>[] = [];
        for (let count = 0; count < steps; count += 1) {
          const step = maker.step();
          if (step.do === "compact") compacted = Math.max(compacted, step.index);
          work.push(step.do === "compact" ? log.compact(step.index) : log.persist(step.order));
        }
        await env.world.complete(Promise.all(work));
        if (ending === "close") await env.world.complete(log.close());
        env.crash(ending === "power" ? "power" : "process");
        env = env.restart();
      }
      const log = await env.world.complete(open(env, maker, segmentBytes));
      assertRestored(log.restored, reopened(maker.state, maker.newest), maker.newest, compacted);
    }),
    { numRuns: 120, seed: 7 },
  );
});
