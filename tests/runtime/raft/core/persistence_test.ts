/** What is durable, and what waits for it. */

import assert from "node:assert/strict";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import { RaftLog } from "../../../../runtime/raft/core/log.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import { Persistence } from "../../../../runtime/raft/core/persistence.ts";
import { voters } from "./group.ts";

const START = { term: 1, vote: null, commit: 0 };

function entry(index: number, term: number): Entry {
  return { index, term, stampMs: 0, kind: "command", data: new Uint8Array(0) };
}

function setup(): { log: RaftLog; persistence: Persistence } {
  const base = { index: 0, term: 0, stampMs: 0 };
  const log = new RaftLog(base, { index: 0, configuration: voters("a") });
  return { log, persistence: new Persistence(START, 0) };
}

function message(round: number, term = 1): Message {
  const head = { from: "a", to: "b", term, session: 0 };
  return { ...head, type: "heartbeatReply", round, wallMs: 0 };
}

Deno.test("orders hold what is new, and nothing is ordered for a commit index alone", () => {
  const { log, persistence } = setup();
  assert.equal(persistence.order(log, { ...START, commit: 5 }), null);
  log.append([entry(1, 1), entry(2, 1)]);
  const order = persistence.order(log, START);
  assert.deepEqual(order?.entries.map(({ index }) => index), [1, 2]);
  assert.deepEqual([order?.number, order?.hardState, order?.reset], [1, null, null]);
  assert.deepEqual(persistence.order(log, { ...START, term: 2 })?.entries, []);
});

Deno.test("a completion counts up to where its entries still stand", () => {
  const { log, persistence } = setup();
  log.append([entry(1, 1), entry(2, 1), entry(3, 1)]);
  persistence.order(log, START);
  log.append([entry(2, 2)]);
  persistence.truncated(2);
  persistence.order(log, { ...START, term: 2 });
  persistence.confirmed(1, 2, []);
  assert.equal(persistence.durableIndex, 1);
  persistence.confirmed(2, 2, []);
  assert.equal(persistence.durableIndex, 2);
});

Deno.test("entries that come back after they were replaced are durable only when they were written again", () => {
  const { log, persistence } = setup();
  log.append([entry(1, 1), entry(2, 1)]);
  persistence.order(log, START);
  log.append([entry(2, 2)]);
  persistence.truncated(2);
  persistence.order(log, { ...START, term: 2 });
  log.append([entry(2, 3)]);
  persistence.truncated(2);
  persistence.order(log, { ...START, term: 3 });
  persistence.confirmed(2, 3, []);
  assert.equal(persistence.durableIndex, 1);
});

Deno.test("what stands on term and vote does not wait for entries", () => {
  const { log, persistence } = setup();
  const sent: Message[] = [];
  log.append([entry(1, 1)]);
  persistence.hold(message(1), "all", 1);
  persistence.hold(message(2), "vote", 1);
  persistence.order(log, START);
  persistence.release(sent);
  assert.deepEqual(sent, [message(2)]);
  persistence.confirmed(1, 1, sent);
  assert.deepEqual(sent, [message(2), message(1)]);
});

Deno.test("a vote waits for its own order, and is void in a later term", () => {
  const { log, persistence } = setup();
  const sent: Message[] = [];
  persistence.hold(message(1, 2), "vote", 2);
  persistence.order(log, { term: 2, vote: "b", commit: 0 });
  persistence.release(sent);
  assert.equal(persistence.voteIsDurable, false);
  persistence.confirmed(1, 3, sent);
  assert.deepEqual(sent, []);
  assert.equal(persistence.voteIsDurable, true);
});

Deno.test("behind a reset, earlier orders make nothing durable", () => {
  const { log, persistence } = setup();
  log.append([entry(1, 1), entry(2, 1)]);
  persistence.order(log, START);
  const configuration = voters("a");
  const snapshot = { index: 9, term: 1, stampMs: 0, configuration, configurationIndex: 0 };
  log.reset(snapshot);
  persistence.resetTo(snapshot);
  assert.equal(persistence.order(log, START)?.reset, snapshot);
  persistence.confirmed(1, 1, []);
  assert.equal(persistence.durableIndex, 9);
});
