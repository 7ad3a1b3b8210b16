/** Bytes on their way from an agent that reads them, against the plain range. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Credit } from "../../../actors/relay/credit.ts";
import { relayLost } from "../../../actors/relay/failures.ts";
import { Inbox } from "../../../actors/relay/inbox.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";

const IDLE_MS = 1_000;

function rig(at = 0) {
  const world = new World(1);
  const { timers } = simulatedEnv({ seed: 1, world, name: "writer" });
  const taken = { bytes: 0 };
  const inbox = new Inbox({
    ...{ at, timers, idleMs: IDLE_MS },
    taken: (bytes) => void (taken.bytes += bytes),
    lost: (why) => relayLost("reader", why),
  });
  return { world, inbox, taken };
}

const LOST = { code: "relayLost", retryable: true };

Deno.test("a range is read as it was sent, however it was cut and is taken", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 });
  await fc.assert(fc.asyncProperty(
    pieces,
    fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 10 }),
    fc.nat(1_000),
    async (sent, sizes, at) => {
      const { inbox, taken } = rig(at);
      let next = at;
      for (const piece of sent) {
        inbox.push(next, piece);
        next += piece.length;
      }
      inbox.ended(next, null);
      const got: number[] = [];
      for (let turn = 0;; turn += 1) {
        const into = new Uint8Array(sizes[turn % sizes.length]!);
        const bytes = await inbox.read(into);
        if (bytes === 0) break;
        got.push(...into.subarray(0, bytes));
      }
      assert.deepEqual(got, sent.flatMap((piece) => [...piece]));
      assert.equal(taken.bytes, got.length);
      assert.equal(await inbox.read(new Uint8Array(1)), 0, "the end is the end");
    },
  ));
});

Deno.test("what was lost on the way is noticed, after what came before it was read", async () => {
  const { inbox } = rig();
  inbox.push(0, Uint8Array.of(1, 2));
  inbox.push(3, Uint8Array.of(4));
  assert.equal(await inbox.read(new Uint8Array(9)), 2);
  await assert.rejects(inbox.read(new Uint8Array(9)), LOST);
  const short = rig().inbox;
  short.push(0, Uint8Array.of(1));
  short.ended(2, null);
  assert.equal(await short.read(new Uint8Array(9)), 1);
  await assert.rejects(short.read(new Uint8Array(9)), LOST);
});

Deno.test("who waits is woken by bytes, by the source's failure, or by silence", async () => {
  const { world, inbox } = rig();
  const first = inbox.read(new Uint8Array(9));
  inbox.push(0, Uint8Array.of(7));
  assert.equal(await world.complete(first), 1);
  const second = inbox.read(new Uint8Array(9));
  inbox.ended(1, new ProtocolError("changed", "the source has changed"));
  await assert.rejects(world.complete(second), { code: "changed" });
  const silent = rig();
  const third = silent.inbox.read(new Uint8Array(9));
  await assert.rejects(silent.world.complete(third), LOST);
  assert.equal(silent.world.nowMs, IDLE_MS);
});

Deno.test("credit is taken as far as there is any, and waited for else", async () => {
  const credit = new Credit(10);
  const { signal } = new AbortController();
  assert.equal(await credit.take(6, signal), 6);
  assert.equal(await credit.take(6, signal), 4);
  const waiting = credit.take(6, signal);
  credit.give(5);
  assert.equal(await waiting, 5);
  const life = new AbortController();
  const aborted = credit.take(1, life.signal);
  life.abort(new Error("over"));
  await assert.rejects(aborted, /over/);
  credit.give(1);
  assert.equal(await credit.take(1, signal), 1, "nothing was lost with who gave up");
});
