import assert from "node:assert/strict";
import { AssertionError } from "../../../runtime/base/assert.ts";
import { RAFT_LIMITS, raftLimits } from "../../../runtime/raft/limits.ts";

Deno.test("the limits of a group do not contradict each other, nor those of links", () => {
  assert.equal(raftLimits().electionMs, RAFT_LIMITS.electionMs.value);
});

Deno.test("a window of Appends, or of pieces, that a link would refuse is refused at the start", () => {
  assert.throws(() => raftLimits({ inflightBytes: 8 * 2 ** 20 }), AssertionError);
  assert.throws(() => raftLimits({ chunkWindow: 1_000 }), AssertionError);
  const wider = { inflightBytes: 7 * 2 ** 20, linkBytes: 8 * 2 ** 20 };
  assert.equal(raftLimits(wider).inflightBytes, 7 * 2 ** 20);
});
