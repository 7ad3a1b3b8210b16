import assert from "node:assert/strict";
import fc from "fast-check";
import { SendCredit } from "../../../runtime/remote/credit.ts";
import { ReceiveCredit } from "../../../runtime/remote/credit_receive.ts";
import {
  laneWindow,
  type RemoteLimits,
  remoteLimits,
  targetWindow,
} from "../../../runtime/remote/limits.ts";
import { MESSAGE_LANES, type MessageLane, type TargetCount } from "../../../runtime/remote/wire.ts";

function windows(lane: number, target: number, bytes: number): RemoteLimits {
  return remoteLimits({
    consensusWindowMessages: lane,
    messageWindowMessages: lane,
    bulkWindowMessages: lane,
    targetWindowMessages: target,
    consensusWindowBytes: lane * bytes,
    messageWindowBytes: lane * bytes,
    bulkWindowBytes: lane * bytes,
    targetWindowBytes: target * bytes,
  });
}

interface Message {
  readonly lane: MessageLane;
  readonly to: string;
  readonly bytes: number;
  readonly number: number;
}

/** Two nodes and the wire between them, as dumb as can be: lists of messages. */
class Model {
  readonly send: SendCredit;
  readonly receive: ReceiveCredit;
  /** Took credit while the link was down. */
  kept: Message[] = [];
  wire: Message[] = [];
  pending: Message[] = [];
  /** Processed, not said. */
  owed: Message[] = [];
  /** Credit records under way, each with what it stands for. */
  credits: { readonly record: TargetCount[]; readonly of: Message[] }[] = [];
  /** The resume that the sender has not read. */
  resume: TargetCount[] | null = null;
  isUp = true;
  waiting: Message[] = [];
  readonly cancels: { readonly message: Message; readonly cancel: () => void }[] = [];
  /** Numbers per lane and target in the order in which they were granted. */
  readonly granted = new Map<string, number[]>();
  #lost: Message[] = [];
  #numbers = 0;

  constructor(readonly limits: RemoteLimits) {
    this.send = new SendCredit(limits);
    this.receive = new ReceiveCredit(limits);
  }

  tell(lane: MessageLane, to: string, bytes: number): boolean {
    if (!this.send.take(lane, to, bytes)) return false;
    this.#out({ lane, to, bytes, number: this.#numbers++ });
    return true;
  }

  wait(lane: MessageLane, to: string, bytes: number): void {
    const message = { lane, to, bytes, number: this.#numbers++ };
    this.waiting.push(message);
    const cancel = this.send.wait(lane, to, bytes, {
      granted: () => {
        this.waiting.splice(this.waiting.indexOf(message), 1);
        this.#out(message);
      },
      abandoned: () => this.waiting.splice(this.waiting.indexOf(message), 1),
    });
    assert.ok(cancel !== null);
    this.cancels.push({ message, cancel });
  }

  cancel(choice: number): void {
    const one = this.cancels[choice % this.cancels.length];
    if (one === undefined) return;
    const index = this.waiting.indexOf(one.message);
    if (index >= 0) this.waiting.splice(index, 1);
    one.cancel();
    one.cancel();
  }

  arrive(): void {
    const message = this.wire.shift();
    if (message === undefined) return;
    this.pending.push(message);
    const { lane, to, bytes } = message;
    assert.ok(this.receive.received(lane, to, bytes), "a sender with credit keeps the window");
  }

  process(choice: number): void {
    const [message] = this.pending.splice(choice % Math.max(1, this.pending.length), 1);
    if (message === undefined) return;
    this.owed.push(message);
    const { lane, to, bytes } = message;
    if (this.receive.processed(lane, to, bytes)) this.collect();
  }

  collect(): void {
    assert.equal(this.receive.isOwing, this.owed.length > 0);
    const record = this.receive.collect();
    // Without a link it reaches nobody; the resume covers it.
    if (this.isUp && record.length > 0) this.credits.push({ record, of: this.owed });
    else this.#lost.push(...this.owed);
    this.owed = [];
  }

  credit(): void {
    this.#readResume();
    const credit = this.credits.shift();
    if (credit !== undefined) assert.deepEqual(this.send.give(credit.record), []);
  }

  cut(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.resume = null;
    this.#lost.push(...this.wire, ...this.credits.flatMap(({ of }) => of));
    this.wire = [];
    this.credits = [];
    this.send.interrupted(counts(this.kept));
  }

  connect(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.resume = this.receive.resume();
    this.#lost.push(...this.owed);
    this.owed = [];
    this.wire.push(...this.kept);
    this.kept = [];
  }

  check(): void {
    const under = [
      ...this.kept,
      ...this.wire,
      ...this.pending,
      ...this.owed,
      ...this.credits.flatMap(({ of }) => of),
      // Until the sender has read the resume it must take everything for under way.
      ...(this.isUp && this.resume === null ? [] : this.#lost),
    ];
    if (this.isUp && this.resume === null) this.#lost = [];
    assert.deepEqual(sorted(this.send.targets()), sorted(counts(under)));
    assert.equal(this.send.waiters, this.waiting.length);
    for (const lane of MESSAGE_LANES) {
      const held = this.send.held(lane);
      const window = laneWindow(this.limits, lane);
      assert.ok(held.messages <= 1 || held.bytes <= window.bytes);
      assert.ok(held.messages <= window.messages);
    }
    for (const { lane, messages, bytes } of this.send.targets()) {
      const window = targetWindow(this.limits, lane);
      assert.ok(messages <= window.messages && (messages <= 1 || bytes <= window.bytes));
    }
  }

  /** Everything moves until nothing can. */
  finish(): void {
    this.connect();
    for (let round = 0; round < 10_000; round += 1) {
      this.credit();
      this.arrive();
      this.process(round);
      if (this.pending.length === 0) this.collect();
      this.check();
      const moving = this.wire.length + this.pending.length + this.credits.length;
      if (moving === 0 && this.resume === null) break;
    }
    assert.deepEqual(this.send.targets(), [], "no credit is lost");
    assert.equal(this.waiting.length, 0, "nobody waits for ever");
    assert.deepEqual(this.receive.resume(), []);
  }

  #readResume(): void {
    if (this.resume === null) return;
    const { resume } = this;
    this.resume = null;
    this.#lost = [];
    assert.deepEqual(this.send.resumed(resume), []);
  }

  #out(message: Message): void {
    const key = `${message.lane} ${message.to}`;
    const numbers = this.granted.get(key) ?? [];
    const last = numbers.at(-1) ?? -1;
    assert.ok(message.number > last, "who came first to a target goes first");
    this.granted.set(key, [...numbers, message.number]);
    (this.isUp ? this.wire : this.kept).push(message);
  }
}

function counts(messages: readonly Message[]): TargetCount[] {
  const byTarget = new Map<string, TargetCount>();
  for (const { lane, to, bytes } of messages) {
    const key = `${lane} ${to}`;
    const before = byTarget.get(key) ?? { lane, to, messages: 0, bytes: 0 };
    byTarget.set(key, {
      lane,
      to,
      messages: before.messages + 1,
      bytes: before.bytes + bytes,
    });
  }
  return [...byTarget.values()];
}

function sorted(targets: readonly TargetCount[]): TargetCount[] {
  return [...targets].sort((a, b) => `${a.lane} ${a.to}` < `${b.lane} ${b.to}` ? -1 : 1);
}

const lane = fc.constantFrom(...MESSAGE_LANES);
const to = fc.constantFrom("a", "b", "c");
const bytes = fc.integer({ min: 1, max: 40 });
const choice = fc.nat({ max: 20 });
const message = { lane, to, bytes };
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tell" as const), ...message }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ...message }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("process" as const), choice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), choice }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("arrive" as const, "collect" as const, "credit" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "connect" as const) }),
  },
);

function act(model: Model, one: typeof action extends fc.Arbitrary<infer T> ? T : never): void {
  switch (one.do) {
    case "tell":
    case "wait":
      return void model[one.do](one.lane, one.to, one.bytes);
    case "process":
    case "cancel":
      return model[one.do](one.choice);
    default:
      return model[one.do]();
  }
}

for (
  const [name, limits] of [
    ["windows of one message of one byte", windows(1, 1, 1)],
    ["small windows", windows(4, 2, 20)],
    ["a lane as narrow as a target", windows(3, 3, 10)],
    ["wide windows", remoteLimits()],
  ] as const
) {
  Deno.test(`through any losses and reconnects no credit is lost, invented or stuck: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120, size: "max" }), (actions) => {
        const model = new Model(limits);
        for (const one of actions) {
          act(model, one);
          model.check();
        }
        model.finish();
      }),
      { numRuns: 300 },
    );
  });
}

Deno.test("tells use the whole window of a target and of a lane, and not more", () => {
  const credit = new SendCredit(windows(5, 2, 100));
  const taken = (target: string): boolean => credit.take("message", target, 1);
  assert.deepEqual(["a", "a", "a", "b", "b", "c", "d"].map(taken), [
    true,
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
  credit.give([{ lane: "message", to: "a", messages: 1, bytes: 1 }]);
  assert.deepEqual(["b", "d", "a"].map(taken), [false, true, false]);
  assert.ok(credit.take("consensus", "a", 1), "lanes have windows of their own");
});

Deno.test("a message larger than the window goes when nothing else of its lane is under way", () => {
  const credit = new SendCredit(windows(4, 4, 10));
  assert.ok(credit.take("bulk", "a", 1_000));
  assert.equal(credit.take("bulk", "b", 1), false);
  credit.give([{ lane: "bulk", to: "a", messages: 1, bytes: 1_000 }]);
  assert.ok(credit.take("bulk", "b", 1));
  assert.equal(credit.take("bulk", "a", 1_000), false);
});

Deno.test("a waiting large message is not starved by small ones", () => {
  const model = new Model(windows(4, 4, 10));
  for (let count = 0; count < 4; count += 1) assert.ok(model.tell("message", "a", 5));
  model.wait("message", "b", 500);
  for (let count = 0; count < 4; count += 1) {
    model.arrive();
    model.process(0);
    model.collect();
    model.credit();
    if (count < 3) assert.equal(model.tell("message", "c", 1), false, "the lane is drained first");
  }
  assert.equal(model.waiting.length, 0);
  model.finish();
});

Deno.test("a target that takes nothing holds up its own waiters only", () => {
  const model = new Model(windows(10, 2, 10));
  for (let count = 0; count < 6; count += 1) model.wait("message", "stuck", 1);
  for (let count = 0; count < 100; count += 1) {
    assert.ok(model.tell("message", "fine", 1));
    model.wire.sort((a) => a.to === "fine" ? -1 : 1);
    model.arrive();
    model.process(0);
    model.collect();
    model.credit();
  }
  assert.equal(model.waiting.length, 4);
});

Deno.test("targets that wait for the lane are served in turns", () => {
  const credit = new SendCredit(windows(1, 1, 10));
  assert.ok(credit.take("message", "first", 1));
  const served: string[] = [];
  for (const target of ["a", "a", "a", "b", "b", "c"]) {
    credit.wait("message", target, 1, {
      granted: () => served.push(target),
      abandoned: () => {},
    });
  }
  for (const target of ["first", "a", "b", "c", "a", "b"]) {
    credit.give([{ lane: "message", to: target, messages: 1, bytes: 1 }]);
  }
  assert.deepEqual(served, ["a", "b", "c", "a", "b", "a"]);
});

Deno.test("all waiters that have room are served at once", () => {
  const credit = new SendCredit(windows(4, 3, 10));
  assert.ok(credit.take("message", "large", 100));
  let served = 0;
  const waiter = { granted: () => served += 1, abandoned: () => {} };
  for (let count = 0; count < 5; count += 1) credit.wait("message", "a", 1, waiter);
  assert.equal(served, 0);
  credit.give([{ lane: "message", to: "large", messages: 1, bytes: 100 }]);
  assert.equal(served, 3);
});

Deno.test("what a peer says of more than is under way changes nothing, and is told", () => {
  const credit = new SendCredit(remoteLimits());
  assert.ok(credit.take("message", "a", 10));
  const wrong = [
    { lane: "message", to: "a", messages: 2, bytes: 10 },
    { lane: "message", to: "a", messages: 1, bytes: 11 },
    { lane: "message", to: "a", messages: 1, bytes: 9 },
    { lane: "message", to: "b", messages: 1, bytes: 1 },
    { lane: "bulk", to: "a", messages: 1, bytes: 10 },
  ] as const;
  assert.deepEqual(credit.give(wrong), wrong);
  assert.deepEqual(credit.held("message"), { messages: 1, bytes: 10 });
  credit.interrupted();
  const right = [{ lane: "message", to: "a", messages: 1, bytes: 10 }] as const;
  assert.deepEqual(credit.give(right), right, "credit before the resume cannot be");
  assert.deepEqual(credit.resumed([wrong[0], wrong[3]]), [
    { lane: "message", to: "b" },
    { lane: "message", to: "a" },
  ]);
  assert.deepEqual(credit.held("message"), { messages: 1, bytes: 10 });
  assert.deepEqual(credit.give(right), []);
  assert.deepEqual(credit.held("message"), { messages: 0, bytes: 0 });
});

Deno.test("when the association ends everyone who waits is told, and nobody waits afterwards", () => {
  const credit = new SendCredit(remoteLimits({ targetWindowMessages: 1, sendWaiters: 3 }));
  assert.ok(credit.take("message", "a", 1));
  let [granted, abandoned] = [0, 0];
  const waiter = {
    granted: () => granted += 1,
    abandoned: () => {
      abandoned += 1;
      assert.equal(credit.wait("message", "a", 1, waiter), null);
    },
  };
  for (let count = 0; count < 3; count += 1) credit.wait("message", "a", 1, waiter);
  assert.equal(credit.wait("message", "a", 1, waiter), null, "sendWaiters is kept");
  credit.abandon();
  assert.deepEqual([granted, abandoned, credit.waiters], [0, 3, 0]);
  assert.equal(credit.take("message", "b", 1), false);
});

Deno.test("credit is due at a quarter of the target's or the lane's window, in messages or bytes", () => {
  const due = (messages: number, bytes: number, targets: number): number => {
    const receive = new ReceiveCredit(windows(64, 16, 100));
    for (let count = 1; count <= messages; count += 1) {
      receive.received("message", `t${count % targets}`, bytes);
      if (receive.processed("message", `t${count % targets}`, bytes)) return count;
    }
    return 0;
  };
  assert.equal(due(100, 1, 1), 4);
  assert.equal(due(100, 200, 1), 2);
  assert.equal(due(100, 1, 100), 16);
  assert.equal(due(100, 399, 100), 5);
});

Deno.test("the bulk lane is interrupted, resumed and collected apart from the others", () => {
  const limits = remoteLimits();
  const [send, receive] = [new SendCredit(limits), new ReceiveCredit(limits)];
  for (const lane of MESSAGE_LANES) {
    for (const to of ["a", "b"]) {
      assert.ok(send.take(lane, to, 10));
      receive.received(lane, to, 10);
    }
    receive.processed(lane, "a", 10);
  }
  send.interrupted([], ["bulk"]);
  const pending = receive.resume(["bulk"]);
  assert.deepEqual(pending, [{ lane: "bulk", to: "b", messages: 1, bytes: 10 }]);
  assert.deepEqual(send.resumed(pending, ["bulk"]), []);
  assert.deepEqual(send.held("bulk"), { messages: 1, bytes: 10 });
  assert.deepEqual(send.held("message"), { messages: 2, bytes: 20 });
  receive.processed("bulk", "b", 10);
  assert.deepEqual(send.give(receive.collect(["consensus", "message"])), []);
  assert.ok(receive.isOwing, "bulk is still owed");
  assert.deepEqual(send.give(receive.collect(["bulk"])), []);
  assert.ok(!receive.isOwing);
  assert.deepEqual(MESSAGE_LANES.map((lane) => send.held(lane).messages), [1, 1, 0]);
});

Deno.test("a receiver knows when its peer breaks the lane's window", () => {
  const receive = new ReceiveCredit(windows(2, 2, 10));
  assert.ok(receive.received("bulk", "a", 1_000), "one alone may be larger");
  assert.equal(receive.received("bulk", "a", 1), false);
});
