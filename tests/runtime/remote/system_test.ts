/** Numbered system messages: kept until acknowledged, taken once and in order. */

import assert from "node:assert/strict";
import { SystemReceiver, SystemSender } from "../../../runtime/remote/system.ts";

function unwatch(watch: number) {
  return { do: "unwatch", watch } as const;
}

Deno.test("messages are numbered from 1 and kept until acknowledged", () => {
  const sender = new SystemSender(10);
  for (const watch of [7, 8, 9]) sender.add(unwatch(watch));
  assert.deepEqual(sender.unconfirmed().map(({ seq }) => seq), [1, 2, 3]);
  assert.ok(sender.acknowledged(2));
  assert.deepEqual(sender.unconfirmed(), [{ c: "system", seq: 3, body: unwatch(9) }]);
  assert.ok(sender.acknowledged(1)); // an old one that was overtaken
  assert.equal(sender.unacknowledged, 1);
});

Deno.test("what was never sent cannot be acknowledged", () => {
  const sender = new SystemSender(10);
  assert.ok(sender.acknowledged(0));
  assert.ok(!sender.acknowledged(1));
});

Deno.test("more than the limit are not taken", () => {
  const sender = new SystemSender(2);
  assert.deepEqual([1, 2, 3].map((watch) => sender.add(unwatch(watch))?.seq ?? null), [1, 2, null]);
  sender.acknowledged(1);
  assert.equal(sender.add(unwatch(4))?.seq, 3);
});

Deno.test("a receiver takes each number once, and finds gaps", () => {
  const receiver = new SystemReceiver();
  const taken = [1, 1, 2, 4, 3, 2].map((seq) => receiver.take(seq));
  assert.deepEqual(taken, ["next", "seen", "next", "gap", "next", "seen"]);
  assert.equal(receiver.received, 3);
});
