import assert from "node:assert/strict";
import { z } from "zod";
import type { AskSettling, InboundMessage, Outcome } from "../../../runtime/actor/bridge.ts";
import type { DeadLetter } from "../../../runtime/actor/dead_letters.ts";
import { actor, type FullPolicy } from "../../../runtime/actor/definition.ts";
import { failNode } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { joined } from "./loopback.ts";

const Box = protocol("test.box", {
  version: 2,
  messages: {
    put: tell(z.number()),
    hold: tell(z.null()),
    crash: tell(z.null()),
    total: ask(z.null(), z.number()),
    slow: ask(z.null(), z.string()),
    odd: ask(z.null(), z.unknown()),
    kill: tell(z.null()),
  },
});

interface StartOptions {
  full?: FullPolicy;
  capacity?: number;
  waitingSenders?: number;
  admit?: (message: { readonly node: string; readonly tag: string }) => boolean;
}

function start(options: StartOptions = {}) {
  const { full = "wait", capacity = 2, waitingSenders = 100, admit = () => true } = options;
  const { far: { node, dock }, world, stop } = joined({
    admit,
    limits: { waitingSenders },
    children: { backoffMs: [10, 20] },
  });
  const letters: DeadLetter[] = [];
  node.deadLetters.subscribe((letter) => letters.push(letter));
  const got: string[] = [];
  const release = Promise.withResolvers<void>();
  const ref = node.spawn(
    actor(Box, {
      mailbox: { full, capacity },
      state: () => ({ aborted: 0 }),
      on: {
        put: (_, value) => void got.push(`put ${value}`),
        hold: () => release.promise,
        crash: () => {
          throw new Error("crashed");
        },
        total: () => got.push("total"),
        slow: async (state, _body, ctx) => {
          got.push("slow");
          ctx.signal.addEventListener("abort", () => {
            state.aborted += 1;
            got.push("aborted");
          });
          await release.promise;
          return "slow";
        },
        odd: (_state, _body, ctx) => ctx.senderNode,
        kill: () => failNode(node, new Error("killed from inside")),
      },
    }),
    { name: "box" },
  );
  const outcomes: string[] = [];
  const message = (tag: string, body: unknown): InboundMessage => {
    return {
      path: "box",
      protocol: "test.box",
      version: 2,
      tag,
      body,
      node: "far",
      from: null,
      trace: null,
    };
  };
  const receipt = (what: string) => ({
    processed: (outcome: Outcome) => void outcomes.push(`${what} ${outcome}`),
  });
  const put = (value: unknown): void => dock.tell(message("put", value), receipt(`${value}`));
  const hold = (): void => dock.tell(message("hold", null), receipt("hold"));
  const settled: string[] = [];
  const settling = (what: string): AskSettling => ({
    reply: (body) => void settled.push(`${what} ${body}`),
    fail: (error) => void settled.push(`${what} ${(error as { code?: string }).code}`),
  });
  const asks = (tag: string, budgetMs = 1_000) =>
    dock.ask(message(tag, null), budgetMs, settling(tag), receipt(tag));
  return {
    ...{ node, dock, world, stop, letters, got, release, ref, outcomes, settled },
    ...{ message, receipt, settling, put, hold, asks },
  };
}

Deno.test("policy wait keeps messages of other nodes waiting in order, each answered for once", async () => {
  const { world, put, hold, got, outcomes, release, node, stop } = start();
  hold();
  await world.pass(1);
  for (let value = 1; value <= 6; value += 1) put(value);
  assert.equal(node.inspect()[0]!.waitingSenders, 4);
  assert.deepEqual(outcomes, []);
  release.resolve();
  await world.pass(1);
  assert.deepEqual(got, [1, 2, 3, 4, 5, 6].map((value) => `put ${value}`));
  assert.deepEqual(outcomes, ["hold handled", ...[1, 2, 3, 4, 5, 6].map((v) => `${v} handled`)]);
  await stop();
});

for (
  const { full, outcome, reason } of [
    { full: "reject", outcome: "refused", reason: "refused" },
    { full: "drop", outcome: "dropped", reason: "dropped" },
  ] as const
) {
  Deno.test(`policy ${full} answers ${outcome} when the mailbox is full`, async () => {
    const { world, put, hold, outcomes, letters, release, stop } = start({ full });
    hold();
    await world.pass(1);
    for (let value = 1; value <= 3; value += 1) put(value);
    assert.deepEqual(outcomes, [`3 ${outcome}`]);
    assert.deepEqual(letters.map((letter) => letter.reason), [reason]);
    release.resolve();
    await world.pass(1);
    assert.deepEqual(outcomes.slice(1), ["hold handled", "1 handled", "2 handled"]);
    await stop();
  });
}

Deno.test("more waiting messages than the limit are refused, so are asks to a full mailbox", async () => {
  const waiting = start({ waitingSenders: 1 });
  waiting.hold();
  await waiting.world.pass(1);
  for (let value = 1; value <= 4; value += 1) waiting.put(value);
  assert.deepEqual(waiting.outcomes, ["4 refused"]);
  waiting.asks("total");
  assert.deepEqual(waiting.settled, ["total MailboxFull"]);
  assert.deepEqual(waiting.outcomes, ["4 refused", "total refused"]);
  waiting.release.resolve();
  await waiting.stop();
  const rejecting = start({ full: "reject" });
  rejecting.hold();
  await rejecting.world.pass(1);
  for (let value = 1; value <= 2; value += 1) rejecting.put(value);
  rejecting.asks("total");
  assert.deepEqual(rejecting.settled, ["total MailboxFull"]);
  assert.deepEqual(rejecting.outcomes, ["total refused"]);
  rejecting.release.resolve();
  await rejecting.stop();
});

Deno.test("a message that does not fit costs itself only", async () => {
  const { world, dock, message, receipt, put, outcomes, letters, got, stop } = start();
  const wrong: [string, Partial<InboundMessage>, DeadLetter["reason"]][] = [
    ["nobody", { path: "nobody" }, "noSuchActor"],
    ["protocol", { protocol: "test.other" }, "noSuchActor"],
    ["version", { version: 1 }, "badMessage"],
    ["tag", { tag: "toString" }, "badMessage"],
    ["kind", { tag: "total", body: null }, "badMessage"],
    ["body", { body: "one" }, "badMessage"],
  ];
  for (const [name, part] of wrong) dock.tell({ ...message("put", 1), ...part }, receipt(name));
  put(1);
  await world.pass(1);
  assert.deepEqual(outcomes, [...wrong.map(([name]) => `${name} dead`), "1 handled"]);
  assert.deepEqual(letters.map((letter) => letter.reason), wrong.map(([, , reason]) => reason));
  assert.deepEqual(got, ["put 1"]);
  await stop();
});

Deno.test("an ask that does not fit fails with the reason", async () => {
  const { dock, message, receipt, settling, settled, outcomes, stop } = start();
  const wrong: [string, Partial<InboundMessage>][] = [
    ["NoSuchActor", { path: "nobody" }],
    ["NoSuchActor", { protocol: "test.other" }],
    ["BadMessage", { version: 3 }],
    ["BadMessage", { tag: "put", body: 1 }],
    ["BadMessage", { body: 5 }],
  ];
  for (const [code, part] of wrong) {
    const inbound = { ...message("total", null), ...part };
    dock.ask(inbound, 1_000, settling(code), receipt(code));
  }
  assert.deepEqual(settled, wrong.map(([code]) => `${code} ${code}`));
  assert.deepEqual(outcomes, wrong.map(([code]) => `${code} dead`));
  await stop();
});

Deno.test("a handler that throws has failed its message; the rest survives the restart", async () => {
  const { world, dock, message, receipt, put, outcomes, got, stop } = start();
  dock.tell(message("crash", null), receipt("crash"));
  put(1);
  put(2);
  await world.pass(1);
  assert.deepEqual(outcomes, ["crash failed"]);
  await world.pass(100);
  assert.deepEqual(outcomes, ["crash failed", "1 handled", "2 handled"]);
  assert.deepEqual(got, ["put 1", "put 2"]);
  await stop();
});

Deno.test("what a stopped actor will not handle is dead, the message in its hands is handled", async () => {
  const { world, node, ref, put, hold, asks, outcomes, settled, letters, release, stop } = start();
  hold();
  await world.pass(1);
  put(1);
  asks("total");
  put(2);
  put(3);
  const stopped = node.stopActor(ref);
  release.resolve();
  await world.complete(stopped);
  assert.deepEqual(outcomes, ["hold handled", "1 dead", "total dead", "2 dead", "3 dead"]);
  assert.deepEqual(settled, ["total ActorStopped"]);
  assert.deepEqual(letters.map((letter) => letter.reason), ["stopped", "stopped", "stopped"]);
  put(4);
  assert.equal(outcomes.at(-1), "4 dead");
  await stop();
});

Deno.test("a node that dies answers for every message at once and only once", async () => {
  const { world, node, put, hold, asks, outcomes, settled, release } = start();
  hold();
  await world.pass(1);
  put(1);
  asks("total");
  put(2);
  failNode(node, new Error("crash"));
  assert.deepEqual(outcomes.sort(), ["1 dead", "2 dead", "hold dead", "total dead"]);
  assert.deepEqual(settled, ["total ActorStopped"]);
  release.resolve();
  await world.pass(10);
  assert.equal(outcomes.length, 4);
});

Deno.test("a handler that brings its own node down is answered for once", async () => {
  const { world, dock, message, receipt, outcomes } = start();
  dock.tell(message("kill", null), receipt("kill"));
  await world.pass(1);
  assert.deepEqual(outcomes, ["kill dead"]);
});

Deno.test("a draining node handles what it has taken and takes nothing new", async () => {
  const { world, node, put, hold, outcomes, release } = start();
  hold();
  await world.pass(1);
  for (let value = 1; value <= 4; value += 1) put(value);
  const stopped = node.stop();
  put(5);
  release.resolve();
  await world.complete(stopped);
  assert.deepEqual(outcomes, [
    "5 dead",
    "hold handled",
    ...[1, 2, 3, 4].map((v) => `${v} handled`),
  ]);
});

Deno.test("an ask is replied to, and its receipt follows the reply", async () => {
  const { world, asks, settled, outcomes, stop } = start();
  asks("total");
  await world.pass(1);
  assert.deepEqual([settled, outcomes], [["total 1"], ["total handled"]]);
  await stop();
});

Deno.test("cancelling an ask aborts its handler, or skips it if it was not handled yet", async () => {
  const { world, node, asks, settled, outcomes, got, release, stop } = start();
  const running = asks("slow");
  const queued = asks("total");
  await world.pass(1);
  queued(new Error("no more"));
  running(new Error("no more"));
  assert.deepEqual(settled, ["total Cancelled", "slow Cancelled"]);
  assert.deepEqual(got, ["slow", "aborted"]);
  release.resolve();
  await world.pass(1);
  assert.deepEqual(outcomes, ["slow handled", "total dropped"]);
  assert.deepEqual(got, ["slow", "aborted"]);
  assert.equal(node.metrics().expiredAsks, 1);
  await stop();
});

Deno.test("an ask that gives up while it waits for room is answered for when its turn comes", async () => {
  const { world, put, hold, asks, settled, outcomes, release, stop } = start();
  hold();
  await world.pass(1);
  put(1);
  put(2);
  asks("total", 50);
  put(3);
  await world.pass(60);
  assert.deepEqual([settled, outcomes], [["total AskTimeout"], []]);
  release.resolve();
  await world.pass(1);
  assert.deepEqual(outcomes.toSorted(), [
    "1 handled",
    "2 handled",
    "3 handled",
    "hold handled",
    "total dropped",
  ]);
  await stop();
});

Deno.test("a reply that links cannot carry fails the ask and the actor", async () => {
  const { world, dock, node, message, receipt, settling, settled, outcomes, stop } = start();
  const strict = { ...settling("odd") };
  strict.reply = () => {
    throw new Error("not encodable");
  };
  dock.ask(message("odd", null), 1_000, strict, receipt("odd"));
  await world.pass(1);
  assert.deepEqual(settled, ["odd HandlerFailed"]);
  assert.deepEqual(outcomes, ["odd failed"]);
  assert.equal(node.metrics().failures, 1);
  await stop();
});

Deno.test("a far watch ends once with the reason, at once for a free name, and can be taken back", async () => {
  const { world, dock, node, ref, stop } = start();
  const ends: string[] = [];
  dock.watch("box", (reason) => ends.push(`first ${reason}`));
  const takeBack = dock.watch("box", (reason) => ends.push(`second ${reason}`));
  dock.watch("nobody", (reason, error) => {
    ends.push(`nobody ${reason} ${(error as { code: string }).code}`);
  });
  takeBack();
  await world.complete(node.stopActor(ref));
  takeBack();
  assert.deepEqual(ends, ["nobody unreachable NoSuchActor", "first stopped"]);
  await stop();
});

Deno.test("a handler is told the node that its link has proved, whatever the message says", async () => {
  const { world, dock, node, message, receipt, settling, settled, ref, stop } = start();
  const forged = { ...message("odd", null), from: "quorus://other/box" };
  dock.ask(forged, 1_000, settling("odd"), receipt("odd"));
  await world.pass(1);
  assert.deepEqual(settled, ["odd far"]);
  const own = ref.ask("odd", null);
  await world.pass(1);
  assert.equal(await own, node.id);
  await stop();
});

Deno.test("a node lets in what it says it lets in, and tells the others", async () => {
  const admit = ({ node, tag }: { node: string; tag: string }) => node === "far" || tag === "odd";
  const { world, dock, got, message, receipt, settling, settled, outcomes, letters, stop } = start({
    admit,
  });
  dock.tell(message("put", 1), receipt("far"));
  dock.tell({ ...message("put", 2), node: "other" }, receipt("other"));
  dock.ask({ ...message("total", null), node: "other" }, 100, settling("total"), receipt("ask"));
  dock.ask({ ...message("odd", null), node: "other" }, 100, settling("odd"), receipt("odd"));
  await world.pass(1);
  assert.deepEqual(got, ["put 1"]);
  assert.deepEqual(settled, ["total NotAdmitted", "odd other"]);
  assert.deepEqual(letters.map(({ reason }) => reason), ["notAdmitted"]);
  assert.deepEqual(outcomes, ["other dead", "ask dead", "far handled", "odd handled"]);
  await stop();
});
