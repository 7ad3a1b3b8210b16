/** A group elects, replicates and survives the loss of its leader. */

import assert from "node:assert/strict";
import { statusOf } from "../../../../runtime/raft/core/raft.ts";
import { Group, voters } from "./group.ts";

Deno.test("three members elect one leader and all apply its commands", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.propose(leader, "x");
  group.propose(leader, "y");
  for (const id of ["a", "b", "c"]) assert.deepEqual(group.commands(id), ["x", "y"]);
  const status = statusOf(group.raft(leader));
  assert.equal(status.commit, status.lastIndex);
  assert.deepEqual(status.peers.map((peer) => peer.state), ["replicate", "replicate"]);
  assert.deepEqual(status.peers.map((peer) => peer.lagEntries), [0, 0]);
});

Deno.test("a single voter leads alone and commits what its disk holds", () => {
  const group = new Group(voters("a"));
  group.elect();
  group.seat("a").slowDisk = true;
  group.propose("a", "x");
  group.pass(60);
  assert.deepEqual(group.commands("a"), []);
  group.sync("a");
  assert.deepEqual(group.commands("a"), ["x"]);
});

Deno.test("a candidate's own vote counts once it is durable, and once", () => {
  const group = new Group(voters("a"));
  group.seat("a").slowDisk = true;
  group.pass(200);
  assert.equal(group.raft("a").role, "candidate");
  group.sync("a");
  assert.equal(group.raft("a").role, "leader");

  const three = new Group(voters("a", "b", "c"));
  three.cut("a");
  three.passes = ({ type }) => type === "preVote" || type === "preVoteReply";
  three.pass(200, ["a"]);
  const { raft } = three.seat("a");
  assert.equal(raft.role, "candidate");
  const reply = { type: "voteReply", from: "a", to: "a", term: raft.term, granted: true } as const;
  three.tell("a", { type: "message", message: reply });
  three.tell("a", { type: "message", message: reply });
  assert.equal(raft.role, "candidate");
});

Deno.test("a new leader takes over what was committed and the old one follows", () => {
  const group = new Group(voters("a", "b", "c"));
  const first = group.elect();
  group.propose(first, "x");
  group.cut(first);
  const lost = group.propose(first, "never");
  group.pass(1_000);
  const second = group.leader() as string;
  assert.notEqual(second, first);
  assert.deepEqual(group.answersTo(lost).map((answer) => answer.outcome), ["appended", "unknown"]);
  group.propose(second, "y");
  group.heal();
  group.pass(500);
  assert.equal(group.raft(first).role, "follower");
  for (const id of ["a", "b", "c"]) assert.deepEqual(group.commands(id), ["x", "y"]);
});

Deno.test("a leader that hears no quorum steps down", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  const read = group.read(leader);
  group.pass(200, [leader]);
  assert.equal(group.raft(leader).role !== "leader", true);
  assert.equal(group.answerTo(read), null);
  assert.equal(statusOf(group.raft(leader)).leader, null);
});

Deno.test("two members that see only the third do not take the lead from each other for ever", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const [hub, other] = ["c", "b", "a"].filter((id) => id !== leader) as [string, string];
  group.passes = ({ from, to }) => from === hub || to === hub;
  const { term } = group.raft(leader);
  group.pass(5_000);
  assert.equal(group.leader(), leader);
  assert.equal(group.raft(leader).term, term);
  assert.equal(group.raft(other).term, term);
  group.propose(leader, "x");
  assert.deepEqual(group.commands(hub), ["x"]);
});

Deno.test("of five that see only one of them, that one leads", () => {
  const group = new Group(voters("a", "b", "c", "d", "e"));
  const leader = group.elect();
  const hub = leader === "e" ? "d" : "e";
  group.passes = ({ from, to }) => from === hub || to === hub;
  group.pass(3_000);
  assert.equal(group.leader(), hub);
  const { term } = group.raft(hub);
  group.pass(5_000);
  assert.equal(group.raft(hub).term, term);
});

Deno.test("a member that was cut off spends no terms and disturbs nobody when it returns", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const { term } = group.raft(leader);
  group.cut("c");
  group.pass(3_000);
  group.heal();
  group.pass(500);
  assert.equal(group.raft(leader).term, term);
  assert.equal(group.raft("c").leader, leader);
});
