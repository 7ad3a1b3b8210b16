/** A stream and an inbox with a channel between them that loses what it likes, in both directions. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Deadlines } from "../../../runtime/actor/deadlines.ts";
import type { Outcome, Receipt } from "../../../runtime/actor/bridge.ts";
import { packRecord, recordText } from "../../../runtime/remote/frames.ts";
import { remoteLimits } from "../../../runtime/remote/limits.ts";
import type { Outgoing } from "../../../runtime/remote/peer_lines.ts";
import { parseMessageRecord } from "../../../runtime/remote/records.ts";
import { type Numbered, ReliableInbox } from "../../../runtime/remote/reliable_inbox.ts";
import { type ConfirmRecord, ReliableStream } from "../../../runtime/remote/reliable_stream.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";

const LIMITS = remoteLimits({ reliableMessages: 8 });

/** Messages come to an actor that says by itself when it has settled one, and how. */
class Channel {
  readonly world = new World(1);
  readonly handled: number[] = [];
  readonly settled: string[] = [];
  readonly stream: ReliableStream;
  readonly inbox: ReliableInbox;
  isUp = true;
  /** What is lost from now on. */
  loses = { messages: false, confirms: false };
  sent = 0;
  #working: { readonly n: number; readonly receipt: Receipt }[] = [];
  #next = 0;

  constructor() {
    const env = simulatedEnv({ seed: 1, world: this.world, name: "a" });
    const deadlines = new Deadlines(env.clock, env.timers);
    this.inbox = new ReliableInbox({
      deadlines,
      limits: LIMITS,
      say: (_node, record) => this.#say(record),
    });
    this.stream = new ReliableStream({
      path: "x",
      address: "quorus://b/x",
      lane: "message",
      producer: "p",
      limits: LIMITS,
      deadlines,
      session: () => this.isUp ? { messageBytes: 1_000, wait: this.#wait } : null,
    });
  }

  get working(): number {
    return this.#working.length;
  }

  send(): void {
    const n = this.#next;
    this.#next += 1;
    const packed = packRecord({ v: 1, type: "t/x", to: "x", body: n });
    const settle = (error: Error & { code?: string } | null): void => {
      this.settled.push(`${n} ${error === null ? "ok" : error.code}`);
    };
    this.stream.add({ ...packed, tag: "x", settle });
  }

  /** The actor is done with the one that came first. */
  settle(outcome: Outcome): void {
    const one = this.#working.shift();
    if (one === undefined) return;
    this.handled.push(one.n);
    one.receipt.processed(outcome);
  }

  link(): void {
    this.isUp = true;
    this.inbox.relinking("a");
    this.inbox.linked("a");
    this.stream.linked();
  }

  #wait = (_lane: string, item: Outgoing, { granted }: { granted(): void }) => {
    this.sent += 1;
    if (!this.loses.messages) this.world.schedule(1, "message", () => this.#arrive(item));
    granted();
    return () => {};
  };

  #arrive(item: Outgoing): void {
    const record = parseMessageRecord(JSON.parse(recordText(item)));
    const n = record.body as number;
    this.inbox.take("a", record as Numbered, { processed: () => {} }, (receipt) => {
      this.#working.push({ n, receipt });
    });
  }

  #say(record: ConfirmRecord): boolean {
    if (!this.isUp) return false;
    if (this.loses.confirms) return true;
    this.world.schedule(1, "confirm", () => {
      if (this.isUp) assert.ok(this.stream.confirmed(record), "a confirmation that cannot be");
    });
    return true;
  }
}

const OUTCOMES = ["handled", "handled", "handled", "failed"] as const;
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("send" as const) }),
    fc.record({ do: fc.constant("settle" as const), outcome: fc.constantFrom(...OUTCOMES) }),
    fc.record({ do: fc.constant("lose" as const), messages: fc.boolean(), confirms: fc.boolean() }),
    fc.record({ do: fc.constant("link" as const) }),
    fc.record({ do: fc.constant("down" as const) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  ),
  { minLength: 5, maxLength: 60 },
);
type Step = (typeof steps) extends fc.Arbitrary<(infer S)[]> ? S : never;

async function take(channel: Channel, step: Step, outcomes: Outcome[]): Promise<void> {
  switch (step.do) {
    case "send":
      return channel.send();
    case "settle":
      if (channel.working > 0) outcomes.push(step.outcome);
      return channel.settle(step.outcome);
    case "lose": {
      // A bulk link loses messages alone; confirmations are lost with their link only, all from some on.
      const { messages, confirms } = step;
      channel.loses = { messages, confirms: confirms || channel.loses.confirms };
      return;
    }
    case "link":
      channel.loses = { messages: false, confirms: false };
      return channel.link();
    case "down":
      channel.isUp = false;
      return;
    case "pass":
      return await channel.world.pass(step.ms);
  }
}

Deno.test("reliable: whatever is lost, each is handled once, in order, and its outcome is told", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const channel = new Channel();
      const outcomes: Outcome[] = [];
      for (const step of all) await take(channel, step, outcomes);
      channel.isUp = false;
      await channel.world.pass(10);
      channel.loses = { messages: false, confirms: false };
      channel.link();
      const count = all.filter((step) => step.do === "send").length;
      for (let round = 0; round < 200 && channel.settled.length < count; round += 1) {
        await channel.world.pass(100);
        if (channel.working > 0) outcomes.push("handled");
        channel.settle("handled");
      }
      const numbers = Array.from({ length: count }, (_, n) => n);
      assert.deepEqual(channel.handled, numbers);
      const want = numbers.map((n) => `${n} ${outcomes[n] === "handled" ? "ok" : "HandlerFailed"}`);
      assert.deepEqual(channel.settled, want);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("reliable: a new link is used at once for what the last one has lost", async () => {
  const channel = new Channel();
  channel.loses = { messages: true, confirms: false };
  for (let n = 0; n < 5; n += 1) channel.send();
  channel.loses = { messages: false, confirms: false };
  channel.link();
  await channel.world.pass(2);
  assert.equal(channel.working, 5);
});

Deno.test("reliable: what a link that stands has lost is asked for within moments", async () => {
  const channel = new Channel();
  channel.loses = { messages: true, confirms: false };
  channel.send();
  channel.send();
  channel.loses = { messages: false, confirms: false };
  channel.send();
  await channel.world.pass(20);
  assert.equal(channel.working, 3);
  assert.equal(channel.sent, 6);
});

Deno.test("reliable: a failure that was told over a link that broke is told again", async () => {
  const channel = new Channel();
  channel.send();
  channel.send();
  await channel.world.pass(5);
  channel.loses = { messages: false, confirms: true };
  channel.settle("failed");
  await channel.world.pass(50);
  channel.loses = { messages: false, confirms: false };
  channel.link();
  channel.settle("handled");
  await channel.world.pass(50);
  assert.deepEqual(channel.settled, ["0 HandlerFailed", "1 ok"]);
});

Deno.test("reliable: a lost last message is found out by sending it again", async () => {
  const channel = new Channel();
  channel.loses = { messages: true, confirms: false };
  for (let n = 0; n < 5; n += 1) channel.send();
  channel.loses = { messages: false, confirms: false };
  await channel.world.pass(LIMITS.reliableResendMs + 20);
  assert.equal(channel.working, 5);
});

Deno.test("reliable: a far side that says what cannot be is not believed", () => {
  const channel = new Channel();
  channel.send();
  assert.equal(channel.stream.confirmed({ c: "confirm", producer: "p", seq: 2 }), false);
  assert.equal(channel.stream.confirmed({ c: "confirm", producer: "p", seq: 0, again: 3 }), false);
  assert.deepEqual(channel.settled, []);
});
