/** Compaction, and snapshots for those whom the log no longer reaches. */

import assert from "node:assert/strict";
import { snapshotMetaAt, statusOf, step } from "../../../../runtime/raft/core/raft.ts";
import { Group, member, OPTIONS, voters } from "./group.ts";

const FILE = { bytes: 35, crc: 1 };

function compact(group: Group, id: string): void {
  const raft = group.raft(id);
  const snapshot = snapshotMetaAt(raft, raft.applied);
  group.tell(id, { type: "snapshotTaken", snapshot, file: FILE });
}

function proposeMany(group: Group, leader: string, count: number): void {
  for (let at = 0; at < count; at++) group.propose(leader, `${at}`);
}

Deno.test("compaction keeps a tail behind the snapshot", () => {
  const group = new Group(voters("a"));
  group.elect();
  proposeMany(group, "a", 20);
  compact(group, "a");
  const { firstIndex, lastIndex, snapshotIndex } = statusOf(group.raft("a"));
  assert.equal(snapshotIndex, 21);
  assert.equal(lastIndex - firstIndex + 1, OPTIONS.keepEntries);
});

Deno.test("what is committed and not durable here yet is not compacted", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const slow = ["a", "b", "c"].find((id) => id !== leader) as string;
  proposeMany(group, leader, 3);
  group.seat(slow).slowDisk = true;
  const durable = statusOf(group.raft(slow)).lastIndex;
  proposeMany(group, leader, 20);
  group.pass(100);
  compact(group, slow);
  assert.ok(group.raft(slow).applied > durable, "others have committed it");
  assert.ok(statusOf(group.raft(slow)).firstIndex <= durable + 1, "orders under way fit the log");
  group.sync(slow);
  group.seat(slow).slowDisk = false;
  proposeMany(group, leader, 1);
  group.pass(100);
  compact(group, slow);
  assert.ok(statusOf(group.raft(slow)).firstIndex > durable + 1);
});

Deno.test("a follower that the log no longer reaches gets a snapshot in pieces, then the log", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const away = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.cut(away);
  proposeMany(group, leader, 20);
  compact(group, leader);
  group.heal();
  group.pass(500);
  group.propose(leader, "last");
  assert.deepEqual(group.commands(away), ["last"]);
  assert.equal(statusOf(group.raft(away)).snapshotIndex, 21);
  const pieces = group.sent.filter((message) =>
    message.type === "snapshotChunk" && message.bytes.length > 0
  );
  assert.equal(pieces.length, 4);
  assert.deepEqual(
    group.raft(away).configuration,
    group.raft(leader).configuration,
  );
});

Deno.test("a piece that is lost goes out again", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const away = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.cut(away);
  proposeMany(group, leader, 20);
  compact(group, leader);
  let lost = 0;
  group.passes = (message) => {
    if (message.type !== "snapshotChunk" || message.offset !== 10 || lost > 0) return true;
    lost++;
    return false;
  };
  group.pass(1_000);
  assert.equal(lost, 1);
  assert.equal(group.raft(away).commit, group.raft(leader).commit);
});

Deno.test("a learner that joins late gets a snapshot, a witness one without bytes", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  proposeMany(group, leader, 20);
  compact(group, leader);
  for (const id of ["d", "w"]) {
    group.add(id);
    const { role: _, ...newcomer } = member(id, { witness: id === "w" });
    group.change(leader, { do: "addLearner", member: newcomer });
    group.pass(500);
    assert.equal(group.raft(id).commit, group.raft(leader).commit);
  }
  const toWitness = group.sent.filter((message) =>
    message.type === "snapshotChunk" && message.to === "w"
  );
  assert.equal(toWitness.length, 1);
  assert.deepEqual(group.seat("w").applied, []);
  group.change(leader, { do: "promote", id: "w" });
  group.pass(100);
  assert.equal(statusOf(group.raft(leader)).configuration.members.at(-1)?.role, "voter");
});

Deno.test("a member that restarts from a snapshot knows its configuration and goes on", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const away = ["a", "b", "c"].find((id) => id !== leader) as string;
  proposeMany(group, leader, 20);
  compact(group, away);
  const { term, vote, commit, snapshot, log } = group.raft(away);
  const entries = log.slice(log.firstIndex, log.lastIndex, Infinity);
  group.start(away, { hardState: { term, vote, commit }, ...snapshot, entries });
  group.seat(away).applied = [];
  group.propose(leader, "after");
  assert.deepEqual(group.commands(away), ["after"]);
  assert.deepEqual(group.raft(away).configuration, group.raft(leader).configuration);
});

Deno.test("a snapshot that the log has overtaken meanwhile is not installed", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const away = ["a", "b", "c"].find((id) => id !== leader) as string;
  proposeMany(group, leader, 3);
  group.passes = ({ to }) => to !== away;
  proposeMany(group, leader, 5);
  const raft = group.raft(away);
  const meta = { ...snapshotMetaAt(group.raft(leader), 7) };
  const moment = { nowMs: group.nowMs, wallMs: 0, random: 0 };
  const head = { from: leader, to: away, term: raft.term, session: 0 };
  const chunk = { ...head, type: "snapshotChunk", snapshot: meta, file: FILE } as const;
  const message = { ...chunk, offset: 0, bytes: new Uint8Array(35) };
  assert.notEqual(step(raft, { type: "message", message }, moment).saveChunk, null);
  group.heal();
  group.pass(60);
  assert.equal(raft.commit, 9);
  const saved = { type: "chunkSaved", index: 7, nextOffset: 35, complete: true } as const;
  const outputs = step(raft, saved, moment);
  assert.equal(outputs.restore, null);
  assert.deepEqual([raft.commit, raft.log.lastIndex, raft.handed], [9, 9, 9]);
});

Deno.test("a member that holds less than it had confirmed gets nothing more", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const away = ["a", "b", "c"].find((id) => id !== leader) as string;
  proposeMany(group, leader, 3);
  const { configuration } = group.raft(leader);
  const snapshot = { index: 0, term: 0, stampMs: 0, configuration, configurationIndex: 0 };
  const hardState = { term: group.raft(leader).term, vote: null, commit: 0 };
  group.start(away, { hardState, snapshot, file: null, entries: [] });
  group.pass(60);
  group.propose(leader, "x");
  assert.deepEqual(group.events.filter(({ event }) => event.type === "lostLog"), [
    { member: leader, event: { type: "lostLog", member: away } },
  ]);
  const peer = statusOf(group.raft(leader)).peers.find(({ id }) => id === away);
  assert.equal(peer?.state, "lost");
  assert.deepEqual(group.commands(away), []);
});
