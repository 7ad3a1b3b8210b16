/** A fence lets the holder of the newest token pass, and nobody else. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { compareTokens, Fence, type FencingToken } from "../../../../runtime/raft/fencing.ts";
import { KvGroup } from "./groups.ts";

function token(index: number, epoch = 1, group = "kv"): FencingToken {
  return { epoch, group, index };
}

function isStale(error: unknown): boolean {
  return error instanceof RaftError && error.code === "StaleToken" && error.definite;
}

Deno.test("a later holder passes, an earlier one never again", () => {
  const fence = new Fence();
  fence.pass(token(7));
  fence.pass(token(7));
  fence.pass(token(9));
  assert.throws(() => fence.pass(token(7)), isStale);
  assert.throws(() => fence.pass(token(8)), isStale);
  assert.deepEqual(fence.newest, token(9));
  fence.pass(token(9));
});

Deno.test("a token of a later epoch is newer whatever its index", () => {
  const fence = new Fence();
  fence.pass(token(900));
  fence.pass(token(3, 2));
  assert.throws(() => fence.pass(token(901)), isStale);
  assert.ok(compareTokens(token(900), token(3, 2)) < 0);
});

Deno.test("a token of another group does not pass", () => {
  const fence = new Fence();
  fence.pass(token(1));
  assert.throws(() => fence.pass(token(5, 1, "other")), isStale);
});

Deno.test("a fence that was kept refuses what it had refused before", () => {
  const fence = new Fence();
  fence.pass(token(4));
  const kept = JSON.parse(JSON.stringify(fence.newest)) as FencingToken;
  const next = new Fence(kept);
  assert.throws(() => next.pass(token(3)), isStale);
  next.pass(token(4));
});

Deno.test("who was deposed holds an older token than its successor, and is refused", async () => {
  const group = await KvGroup.start(["a", "b", "c"]);
  const fence = new Fence();
  const acquire = async (holder: string): Promise<FencingToken> => {
    const { kv } = await group.leader();
    const put = { do: "put", key: "holder", value: holder } as const;
    const { index } = await group.done(kv.propose(put));
    return { epoch: 1, group: kv.name, index };
  };
  const first = await acquire("a");
  fence.pass(first);
  group.crash((await group.leader()).id);
  const second = await acquire("b");
  fence.pass(second);
  assert.throws(() => fence.pass(first), isStale);
  fence.pass(second);
  await group.stop();
});
