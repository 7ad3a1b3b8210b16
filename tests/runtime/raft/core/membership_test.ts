/** Members come, vote and go. */

import assert from "node:assert/strict";
import { statusOf } from "../../../../runtime/raft/core/raft.ts";
import { Group, member, voters } from "./group.ts";

function outcomes(group: Group, id: number): string[] {
  return group.answersTo(id).map((answer) =>
    answer.outcome === "refused" ? answer.code : answer.outcome
  );
}

function withLearner(id: string, witness = false): { group: Group; leader: string } {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.add(id);
  group.change(leader, { do: "addLearner", member: { id, witness, priority: 1 } });
  group.pass(100);
  return { group, leader };
}

Deno.test("a learner gets the log and has no voice until it is promoted", () => {
  const { group, leader } = withLearner("d");
  group.propose(leader, "x");
  assert.deepEqual(group.commands("d"), ["x"]);
  group.cut(leader, "d");
  const lost = group.propose(leader, "y");
  assert.deepEqual(outcomes(group, lost), ["appended"]);
  assert.deepEqual(group.commands(leader), ["x"], "a learner completes no quorum");
});

Deno.test("a promoted learner votes and counts", () => {
  const { group, leader } = withLearner("d");
  const promoted = group.change(leader, { do: "promote", id: "d" });
  group.pass(50);
  assert.deepEqual(outcomes(group, promoted), ["done"]);
  const others = ["a", "b", "c"].filter((id) => id !== leader);
  group.cut(leader, "d", others[0] as string);
  group.propose(leader, "x");
  assert.deepEqual(group.commands(leader), ["x"], "three of four are a quorum");
});

Deno.test("a voter answers a candidate that it does not know, and that takes it for a voter", () => {
  const { group } = withLearner("d");
  // Nobody told d that it votes: the answer must not depend on it.
  const { raft } = group.seat("d");
  const { lastIndex, lastTerm } = raft.log;
  group.cut("d");
  group.pass(200, ["d"]);
  group.heal();
  group.tell("d", {
    type: "message",
    message: {
      type: "vote",
      from: "z",
      to: "d",
      term: raft.term + 1,
      lastIndex,
      lastTerm,
      transfer: false,
    },
  });
  const reply = group.sent.findLast((message) =>
    message.type === "voteReply" && message.to === "z"
  );
  assert.equal(reply?.type === "voteReply" && reply.granted, true);
});

Deno.test("a member is replaced in one joint change, which is left by itself", () => {
  const { group, leader } = withLearner("d");
  const victim = ["a", "b", "c"].find((id) => id !== leader) as string;
  const replaced = group.change(leader, { do: "replace", id: victim, by: "d" });
  group.pass(50);
  assert.deepEqual(outcomes(group, replaced), ["done"]);
  const { configuration } = statusOf(group.raft(leader));
  assert.equal(configuration.outgoing, null);
  const ids = configuration.members.map(({ id, role }) => `${id} ${role}`);
  const rest = ["a", "b", "c"].filter((id) => id !== victim);
  assert.deepEqual(ids, [...rest, "d"].toSorted().map((id) => `${id} voter`));
  const joint = group.events.some(({ event }) =>
    event.type === "configuration" && event.configuration.outgoing !== null
  );
  assert.equal(joint, true);
});

Deno.test("a new leader leaves the joint configuration that its predecessor entered", () => {
  const { group, leader } = withLearner("d");
  const victim = ["a", "b", "c"].find((id) => id !== leader) as string;
  // The leader's own entries reach everybody, the end of the joint configuration nobody.
  group.passes = (message) => {
    if (message.type !== "append" || message.from !== leader) return true;
    return message.entries.every((entry) =>
      entry.kind !== "config" || new TextDecoder().decode(entry.data).includes('"outgoing":[')
    );
  };
  group.change(leader, { do: "replace", id: victim, by: "d" });
  group.passes = ({ from, to }) => from !== leader && to !== leader;
  group.pass(1_500);
  const next = group.leader() as string;
  assert.notEqual(next, leader);
  const { configuration, commit, configurationIndex } = statusOf(group.raft(next));
  assert.equal(configuration.outgoing, null);
  assert.equal(configurationIndex <= commit, true);
});

Deno.test("one change at a time, and none before the term's first commit", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  const first = group.change(leader, { do: "setPriority", id: "a", priority: 3 });
  const second = group.change(leader, { do: "setPriority", id: "b", priority: 3 });
  assert.deepEqual(outcomes(group, first), []);
  assert.deepEqual(outcomes(group, second), ["ChangePending"]);
  group.heal();
  group.pass(100);
  assert.deepEqual(outcomes(group, first), ["done"]);

  const early = new Group(voters("a", "b", "c"));
  early.passes = (message) => message.type !== "appendReply";
  const refused = early.change(early.elect(), { do: "remove", id: "c" });
  assert.deepEqual(outcomes(early, refused), ["NoCommitInTerm"]);
});

Deno.test("a change that would leave too few that answer is refused", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const [near, far] = ["a", "b", "c"].filter((id) => id !== leader) as [string, string];
  group.cut(far);
  group.pass(200);
  const refused = group.change(leader, { do: "remove", id: near });
  assert.deepEqual(outcomes(group, refused), ["WouldLoseQuorum"]);
  const allowed = group.change(leader, { do: "remove", id: far });
  assert.deepEqual(outcomes(group, allowed), ["done"]);
});

Deno.test("changes that do not fit the members are refused", () => {
  const { group, leader } = withLearner("d");
  const refusal = (change: Parameters<Group["change"]>[1]) =>
    outcomes(group, group.change(leader, change));
  assert.deepEqual(refusal({ do: "remove", id: "z" }), ["UnknownMember"]);
  assert.deepEqual(refusal({ do: "promote", id: "a" }), ["WrongRole"]);
  assert.deepEqual(refusal({ do: "replace", id: "d", by: "a" }), ["WrongRole"]);
  const again = { do: "addLearner", member: { id: "d", witness: false, priority: 1 } } as const;
  assert.deepEqual(refusal(again), ["WrongRole"]);
});

Deno.test("a leader that is removed hands over once that is committed", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const removed = group.change(leader, { do: "remove", id: leader });
  assert.deepEqual(outcomes(group, removed), ["done"]);
  group.pass(20);
  const next = group.leader();
  assert.notEqual(next, null, "without an election timeout");
  assert.notEqual(next, leader);
  group.pass(2_000);
  assert.equal(group.leader(), next, "it does not come back to disturb");
});

Deno.test("a removed member that never learned of it cannot disturb", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const victim = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.cut(victim);
  group.pass(200);
  group.change(leader, { do: "remove", id: victim });
  group.heal();
  const { term } = group.raft(leader);
  group.pass(3_000);
  assert.equal(group.leader(), leader);
  assert.equal(group.raft(leader).term, term);
});

Deno.test("answers from an earlier membership count for nothing", () => {
  const { group, leader } = withLearner("d");
  group.propose(leader, "x");
  const late = group.sent.findLast((message) =>
    message.type === "appendReply" && message.from === "d" && message.match !== null
  );
  assert.notEqual(late, undefined);
  group.change(leader, { do: "remove", id: "d" });
  group.passes = ({ to }) => to !== "d";
  group.change(leader, { do: "addLearner", member: { id: "d", witness: false, priority: 1 } });
  if (late !== undefined) group.tell(leader, { type: "message", message: late });
  const peer = statusOf(group.raft(leader)).peers.find(({ id }) => id === "d");
  assert.equal(peer?.match, 0);
});

Deno.test("a learner that does not answer is not promoted", () => {
  const { group, leader } = withLearner("d");
  group.passes = ({ to }) => to !== "d";
  group.propose(leader, "x");
  const promoted = group.change(leader, { do: "promote", id: "d" });
  group.pass(2_000);
  assert.deepEqual(outcomes(group, promoted), ["CatchUpTooSlow"]);
});

Deno.test("a configuration that was never committed goes with its entry", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  const change = group.change(leader, { do: "setPriority", id: "a", priority: 7 });
  assert.equal(group.raft(leader).configuration.members[0]?.priority, 7);
  group.pass(1_500);
  group.propose(group.leader() as string, "x");
  group.heal();
  group.pass(500);
  assert.equal(group.raft(leader).configuration.members[0]?.priority, 1);
  assert.deepEqual(outcomes(group, change), ["unknown"]);
});

Deno.test("a witness votes and completes a quorum, but is no second replica", () => {
  const configuration = voters("a", "b");
  const members = [...configuration.members, member("w", { witness: true })];
  const group = new Group({ members, outgoing: null });
  const leader = group.elect();
  group.propose(leader, "x");
  const held = group.raft("w").log.entryAt(2);
  assert.equal(held?.kind, "command");
  assert.equal(held?.data.length, 0);
  assert.deepEqual(group.seat("w").applied, []);
  const other = leader === "a" ? "b" : "a";
  group.cut(other);
  group.propose(leader, "y");
  group.pass(300);
  assert.equal(group.raft(leader).role, "leader", "the witness keeps it in office");
  assert.deepEqual(group.commands(leader), ["x"]);
  assert.equal(statusOf(group.raft(leader)).degraded, true);
  group.heal();
  group.pass(300);
  assert.deepEqual(group.commands(leader), ["x", "y"]);
  assert.equal(statusOf(group.raft(leader)).degraded, false);
  group.cut("w");
  group.pass(1_000, ["w"]);
  assert.equal(group.raft("w").role, "follower", "it never campaigns");
});
