/** Reliable delivery over simulated sockets: nothing lost, nothing twice, in order, confirmed when done. */

import assert from "node:assert/strict";
import { reliable } from "../../../runtime/remote/reliable.ts";
import { SeededRandom } from "../../../runtime/sim/random.ts";
import {
  Ledger,
  ledgerOf,
  newBooks,
  numbers,
  PEER,
  reliablePair,
  Sends,
  startReceiver,
} from "./reliable_nodes.ts";

Deno.test("reliable: a send resolves when the handler has settled, not before", async () => {
  const { world, books, out } = reliablePair();
  books.takesMs = 500;
  const sends = new Sends(out);
  sends.book(1);
  await world.pass(400);
  assert.deepEqual([sends.outcomes, books.handled, out.pending], [[], [], 1]);
  await world.pass(400);
  assert.deepEqual([sends.outcomes, books.handled, out.pending], [["1 ok"], [1], 0]);
});

Deno.test("reliable: what is sent before the link stands is handled once it does, in order", async () => {
  const { world, books, out } = reliablePair();
  const sends = new Sends(out);
  for (const n of numbers(3_000)) sends.book(n);
  assert.equal(out.pending, 3_000);
  await world.pass(5_000);
  assert.deepEqual(books.handled, numbers(3_000));
  assert.deepEqual(sends.outcomes, numbers(3_000).map((n) => `${n} ok`));
});

for (const cuts of [false, true]) {
  const what = cuts ? "links are cut beyond the grace" : "sockets break at random";
  Deno.test(`reliable: while ${what}, each message is handled once and in order`, async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const { world, books, out } = reliablePair(seed, {
        reliableMessages: 50,
        messageWindowMessages: 20,
        bulkWindowMessages: 8,
      });
      const random = new SeededRandom(seed, "reliable");
      const sends = new Sends(out);
      let next = 0;
      for (let step = 0; step < 120; step += 1) {
        for (let count = Math.floor(random.next() * 12); count > 0; count -= 1) {
          if (next % 3 === 0) sends.chunk(next, new Uint8Array(500));
          else sends.book(next);
          next += 1;
        }
        if (random.next() < 0.2) world.network.reset("a", "b");
        if (cuts && random.next() < 0.03) {
          world.network.partition([["a"], ["b"]]);
          await world.pass(random.next() * 20_000);
          world.network.heal();
        }
        await world.pass(random.next() * 20);
      }
      await world.pass(60_000);
      const chunk = (n: number) => n % 3 === 0;
      assert.deepEqual(books.handled, numbers(next).filter((n) => !chunk(n)), `seed ${seed}`);
      assert.deepEqual(books.chunks, numbers(next).filter(chunk), `seed ${seed}`);
      assert.equal(sends.outcomes.filter((one) => one.endsWith(" ok")).length, next);
      assert.equal(out.pending, 0);
    }
  });
}

Deno.test("reliable: a crashed receiver loses nothing; twice is only what it could not say", async () => {
  let twice = 0;
  for (let seed = 1; seed <= 25; seed += 1) {
    const { world, books, out, bEnv } = reliablePair(seed);
    const random = new SeededRandom(seed, "crashes");
    const sends = new Sends(out);
    let env = bEnv;
    books.takesMs = 3;
    for (const n of numbers(600)) {
      sends.book(n);
      if (n % 100 === 99) {
        await world.pass(random.next() * 300);
        const before = new Set(sends.outcomes);
        env.crash("process");
        await world.pass(random.next() * 8_000);
        const handled = books.handled.length;
        env = env.restart();
        startReceiver(env, books);
        await world.pass(500 + random.next() * 7_000);
        // What was confirmed to its sender is not handled again.
        for (const again of books.handled.slice(handled)) assert.ok(!before.has(`${again} ok`));
      }
    }
    await world.pass(60_000);
    assert.deepEqual(
      [...new Set(books.handled)],
      numbers(600),
      `seed ${seed}: first times in order`,
    );
    assert.deepEqual(sends.outcomes, numbers(600).map((n) => `${n} ok`));
    twice += books.handled.length - 600;
  }
  assert.ok(
    twice > 0,
    "no crash came between a handler and its confirmation: the test sees nothing",
  );
});

Deno.test("reliable: what a handler throws at is told once and not sent again, whatever breaks", async () => {
  const { world, books, out } = reliablePair(3);
  for (const n of [5, 6, 40, 41, 99]) books.bad.add(n);
  const sends = new Sends(out);
  for (const n of numbers(100)) {
    sends.book(n);
    if (n % 7 === 0) {
      world.network.reset("a", "b");
      await world.pass(40);
    }
  }
  await world.pass(30_000);
  assert.deepEqual(books.handled, numbers(100).filter((n) => !books.bad.has(n)));
  const want = numbers(100).map((n) => books.bad.has(n) ? `${n} HandlerFailed?` : `${n} ok`);
  assert.deepEqual(sends.outcomes.toSorted(), want.toSorted());
});

Deno.test("reliable: a full mailbox that refuses says so of each message it refused", async () => {
  const { world, books, out } = reliablePair(1, {}, { full: "reject" });
  books.takesMs = 1_000;
  const sends = new Sends(out);
  for (const n of numbers(40)) sends.book(n);
  await world.pass(60_000);
  const refused = sends.outcomes.filter((one) => one.endsWith(" MailboxFull"));
  assert.ok(refused.length > 0);
  assert.equal(refused.length + books.handled.length, 40);
});

Deno.test("reliable: nobody of that name is an end, not a message for ever", async () => {
  const { world, a } = reliablePair();
  const out = reliable(a, a.ref(Ledger, "quorus://b/nobody"));
  const sends = new Sends(out);
  sends.book(1);
  await world.pass(5_000);
  assert.deepEqual(sends.outcomes, ["1 ActorStopped?"]);
});

Deno.test("reliable: no more than its window is under way, and a wait for room can be ended", async () => {
  const { world, a, books, out } = reliablePair(1, {}, { window: 10 });
  books.takesMs = 100;
  const sends = new Sends(out);
  for (const n of numbers(30)) sends.book(n);
  const leaving = new AbortController();
  const left = out.send("book", { n: 30 }, { signal: leaving.signal });
  leaving.abort();
  await assert.rejects(left, { code: "Cancelled" });
  assert.equal(out.pending, 30);
  let most = 0;
  for (let step = 0; step < 60; step += 1) {
    await world.pass(100);
    for (const { held } of a.links.peers()) {
      most = Math.max(most, held.reduce((sum, { messages }) => sum + messages, 0));
    }
  }
  assert.deepEqual(books.handled, numbers(30));
  assert.ok(most <= 10, `${most} were under way`);
});

Deno.test("reliable: byte fields go as they were when they were sent, however often they are", async () => {
  const { world, out, books } = reliablePair();
  const bytes = new Uint8Array(1_000).fill(1);
  const sends = new Sends(out);
  sends.chunk(0, bytes);
  bytes.fill(2);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  await world.pass(5_000);
  assert.deepEqual([books.chunks, sends.outcomes], [[0], ["0 ok"]]);
});

Deno.test("reliable: closing settles all that is under way, and so does the end of its node", async () => {
  const { world, a, books, out } = reliablePair(1, {}, { window: 5 });
  books.takesMs = 10_000;
  const sends = new Sends(out);
  for (const n of numbers(7)) sends.book(n);
  await world.pass(1_000);
  out.close();
  out.close();
  sends.book(7);
  const other = new Sends(reliable(a, a.ref(Ledger, PEER), { window: 5 }));
  for (const n of numbers(7)) other.book(n);
  await world.pass(1_000);
  const [five, two] = [[0, 1, 2, 3, 4], [5, 6]];
  assert.deepEqual(sends.outcomes.toSorted(), [
    ...five.map((n) => `${n} Cancelled?`),
    ...[...two, 7].map((n) => `${n} Cancelled`),
  ]);
  await world.complete(a.stop());
  await world.pass(1);
  assert.deepEqual(other.outcomes.toSorted(), [
    ...five.map((n) => `${n} NodeStopped?`),
    ...two.map((n) => `${n} NodeStopped`),
  ]);
});

Deno.test("reliable: to an actor of the same node it is the same, with nothing in between", async () => {
  const { world, a, aEnv } = reliablePair();
  const books = newBooks();
  books.bad.add(3);
  const ref = a.spawn(ledgerOf(aEnv, books), { name: "own", args: undefined });
  const out = reliable(a, ref, { window: 4 });
  const sends = new Sends(out);
  for (const n of numbers(30)) sends.book(n);
  await world.pass(1_000);
  assert.deepEqual(books.handled, numbers(30).filter((n) => n !== 3));
  assert.equal(sends.outcomes.filter((one) => one.endsWith(" ok")).length, 29);
  assert.ok(sends.outcomes.includes("3 HandlerFailed?"));
});

Deno.test("reliable: a slow actor is not sent the same again and again", async () => {
  const { world, a, books, out } = reliablePair();
  books.takesMs = 60_000;
  new Sends(out).book(1);
  await world.pass(59_000);
  const sent = a.links.peers()[0]!.counters!.messagesSent;
  assert.ok(sent <= 7, `${sent} times`);
});

Deno.test("reliable: a producer that was forgotten for others goes on where it was", async () => {
  const { world, a, books, out } = reliablePair(1, { reliableProducers: 2 });
  const sends = new Sends(out);
  for (const n of numbers(5)) sends.book(n);
  await world.pass(1_000);
  for (let n = 100; n < 105; n += 1) {
    const other = reliable(a, a.ref(Ledger, PEER));
    new Sends(other).book(n);
    await world.pass(1_000);
    other.close();
  }
  for (let n = 5; n < 10; n += 1) sends.book(n);
  await world.pass(5_000);
  assert.deepEqual(books.handled.filter((n) => n < 100), numbers(10));
  assert.equal(sends.outcomes.length, 10);
});
