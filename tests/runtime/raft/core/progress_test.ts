/** How far a leader knows a member to be. */

import assert from "node:assert/strict";
import { Progress } from "../../../../runtime/raft/core/progress.ts";

const WINDOW = { inflightMessages: 2, inflightBytes: 100 };

function replicating(): Progress {
  const progress = new Progress("b", 1, false, 10, 0);
  progress.acknowledge(9);
  progress.replicate();
  return progress;
}

Deno.test("the window is full by messages, by bytes, and opens with acknowledgements", () => {
  const progress = replicating();
  progress.sent(11, 10);
  progress.sent(12, 10);
  assert.equal(progress.hasRoom(WINDOW), false);
  assert.equal(progress.acknowledge(11), true);
  assert.equal(progress.hasRoom(WINDOW), true);
  progress.sent(13, 95);
  assert.deepEqual([progress.inflightMessages, progress.inflightBytes], [2, 105]);
  assert.equal(progress.hasRoom(WINDOW), false);
  assert.equal(progress.acknowledge(13), true);
  assert.deepEqual([progress.match, progress.next, progress.inflightBytes], [13, 14, 0]);
});

Deno.test("an acknowledgement that comes late is no news", () => {
  const progress = replicating();
  progress.sent(12, 1);
  progress.acknowledge(12);
  assert.equal(progress.acknowledge(10), false);
  assert.equal(progress.match, 12);
});

Deno.test("a rejection while replicating begins to probe behind what is known", () => {
  const progress = replicating();
  progress.sent(15, 1);
  assert.equal(progress.reject(15, 3), true);
  assert.deepEqual([progress.state, progress.next, progress.inflightMessages], ["probe", 10, 0]);
});

Deno.test("a rejected probe goes on where the logs may agree, never behind what is known", () => {
  const progress = new Progress("b", 1, false, 10, 0);
  progress.probing = true;
  assert.equal(progress.reject(9, 4), true);
  assert.deepEqual([progress.next, progress.probing], [5, false]);
  assert.equal(progress.reject(9, 2), false, "an answer to an earlier probe");
  assert.equal(progress.next, 5);
  progress.acknowledge(4);
  assert.equal(progress.reject(4, 1), false);
});

Deno.test("a member that lost its disk counts for nothing", () => {
  const progress = replicating();
  progress.lose();
  assert.deepEqual([progress.state, progress.match], ["lost", 0]);
});
