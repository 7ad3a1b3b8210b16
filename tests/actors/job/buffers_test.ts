import assert from "node:assert/strict";
import fc from "fast-check";
import { BufferPool, Window } from "../../../actors/job/buffers.ts";
import type { Block } from "../../../runtime/env/env.ts";

/** Lets everything that is ready happen. */
async function settle(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve();
}

Deno.test("a pool lends no more than it has, first come first served, and loses nothing", async () => {
  const step = fc.constantFrom("take" as const, "give" as const);
  await fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 5 }),
    fc.array(step, { maxLength: 100 }),
    async (capacity, steps) => {
      const pool = new BufferPool(16, capacity * 16 + 7);
      const held: Block[] = [];
      const served: number[] = [];
      let asked = 0;
      for (const kind of steps) {
        if (kind === "take") {
          const turn = asked++;
          void Promise.resolve(pool.take()).then((buffer) => {
            served.push(turn);
            held.push(buffer);
          });
        } else if (held.length > 0) pool.give(held.shift()!);
        await settle();
        assert.ok(pool.lent <= capacity, `${pool.lent} of ${capacity}`);
        assert.equal(new Set(held).size, held.length, "no buffer is lent twice");
      }
      while (held.length > 0) {
        pool.give(held.shift()!);
        await settle();
      }
      assert.equal(pool.lent, 0);
      assert.deepEqual(served, Array.from({ length: asked }, (_, n) => n));
    },
  ));
});

Deno.test("a pool smaller than a buffer still has one", async () => {
  const pool = new BufferPool(1_024, 10);
  const buffer = await pool.take();
  assert.equal(pool.lent, 1);
  pool.give(buffer);
});

Deno.test("a foreign buffer is not taken back", () => {
  assert.throws(() => new BufferPool(16, 16).give({ bytes: new Uint8Array(15) }));
});

Deno.test("windows share a pool, and none holds more than its share", async () => {
  const step = fc.record({
    window: fc.integer({ min: 0, max: 2 }),
    kind: fc.constantFrom("take" as const, "give" as const),
  });
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
    const pool = new BufferPool(16, 4 * 16);
    const windows = [1, 2, 3].map((slots) => ({
      slots,
      window: new Window(pool, slots * 16),
      held: [] as Block[],
      asked: 0,
      got: 0,
    }));
    for (const { window, kind } of steps) {
      const one = windows[window]!;
      if (kind === "take") {
        one.asked += 1;
        void one.window.take().then((buffer) => {
          one.got += 1;
          one.held.push(buffer);
        });
      } else if (one.held.length > 0) one.window.give(one.held.shift()!);
      await settle();
      for (const { held, slots } of windows) assert.ok(held.length <= slots);
      assert.ok(pool.lent <= 4);
    }
    for (let round = 0; round < 200; round++) {
      for (const one of windows) if (one.held.length > 0) one.window.give(one.held.shift()!);
      await settle();
    }
    for (const { asked, got } of windows) assert.equal(got, asked, "nobody waits for ever");
    assert.equal(pool.lent, 0);
  }));
});
