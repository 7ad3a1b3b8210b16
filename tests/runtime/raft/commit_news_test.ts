import assert from "node:assert/strict";
import type { Entry } from "../../../runtime/raft/core/entry.ts";
import type { Append, Message } from "../../../runtime/raft/core/messages.ts";
import { CommitNews } from "../../../runtime/raft/commit_news.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

const ENTRY: Entry = { index: 8, term: 3, stampMs: 0, kind: "noop", data: new Uint8Array(0) };

function append(to: string, commit: number, entries: readonly Entry[] = []): Append {
  const head = { from: "a", to, term: 3, session: 1 } as const;
  return { type: "append", ...head, prevIndex: 7, prevTerm: 3, entries, commit };
}

function telling() {
  const env = simulatedEnv({ seed: 1 });
  const told: string[] = [];
  const news = new CommitNews(env.timers, 2, ({ to, commit }) => told.push(`${to}:${commit}`));
  return { env, news, told };
}

Deno.test("an append without entries waits for a moment, and the newest of a member is told", async () => {
  const { env, news, told } = telling();
  assert.equal(news.holds(append("b", 5)), true);
  assert.equal(news.holds(append("c", 5)), true);
  assert.equal(news.holds(append("b", 6)), true);
  await env.world.pass(1);
  assert.deepEqual(told, []);
  await env.world.pass(2);
  assert.deepEqual(told.sort(), ["b:6", "c:5"]);
  await env.world.pass(10);
  assert.equal(told.length, 2);
});

Deno.test("an append with entries goes at once, and says what was held for that member", async () => {
  const { env, news, told } = telling();
  news.holds(append("b", 5));
  news.holds(append("c", 5));
  assert.equal(news.holds(append("b", 6, [ENTRY])), false);
  await env.world.pass(10);
  assert.deepEqual(told, ["c:5"]);
});

Deno.test("other messages are never held, nor do they replace what is", async () => {
  const { env, news, told } = telling();
  news.holds(append("b", 5));
  const heartbeat: Message = {
    type: "heartbeat",
    from: "a",
    to: "b",
    term: 3,
    session: 1,
    commit: 4,
    round: 1,
  };
  assert.equal(news.holds(heartbeat), false);
  await env.world.pass(10);
  assert.deepEqual(told, ["b:5"]);
});

Deno.test("who stops tells nothing more", async () => {
  const { env, news, told } = telling();
  news.holds(append("b", 5));
  news.stop();
  await env.world.pass(10);
  assert.deepEqual(told, []);
});
