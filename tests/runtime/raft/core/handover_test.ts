/** Leadership goes from one member to another. */

import assert from "node:assert/strict";
import { Group, member, voters } from "./group.ts";

Deno.test("a transfer moves leadership without waiting for a timeout", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const to = ["a", "b", "c"].find((id) => id !== leader) as string;
  const id = group.transfer(leader, to);
  assert.equal(group.leader(), to);
  assert.deepEqual(group.answersTo(id), [{ id, outcome: "done" }]);
});

Deno.test("a transfer to a member that is away is given up, and commands are taken again", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const to = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.cut(to);
  const id = group.transfer(leader, to);
  const refused = group.propose(leader, "x");
  const [answer] = group.answersTo(refused);
  assert.equal(answer?.outcome === "refused" && answer.code, "Transferring");
  group.pass(600);
  const [given] = group.answersTo(id);
  assert.equal(given?.outcome === "refused" && given.code, "TransferTimeout");
  group.propose(leader, "y");
  assert.deepEqual(group.commands(leader), ["y"]);
});

Deno.test("a leader that lost its office during a transfer takes commands when it leads again", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const to = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.passes = (message) => message.type !== "timeoutNow";
  const id = group.transfer(leader, to);
  group.cut(leader);
  group.pass(400);
  group.heal();
  assert.deepEqual(group.answersTo(id).map((answer) => answer.outcome), ["unknown"]);
  group.pass(500);
  const next = group.elect();
  if (next !== leader) group.transfer(next, leader);
  assert.equal(group.leader(), leader);
  group.propose(leader, "x");
  assert.deepEqual(group.commands(leader), ["x"]);
});

Deno.test("witnesses, learners and strangers are not handed the lead", () => {
  const members = [
    ...voters("a", "b", "c").members,
    member("l", { role: "learner" }),
    member("w", { witness: true }),
  ];
  const group = new Group({ members, outgoing: null });
  const leader = group.elect();
  const codes = ["l", "w", "z"].map((to) => {
    const [answer] = group.answersTo(group.transfer(leader, to));
    return answer?.outcome === "refused" ? answer.code : answer?.outcome;
  });
  assert.deepEqual(codes, ["WrongRole", "WrongRole", "UnknownMember"]);
});

Deno.test("the member of the highest priority leads in the end", () => {
  const members = [member("a"), member("b"), member("c", { priority: 3 })];
  const group = new Group({ members, outgoing: null });
  group.cut("c");
  const first = group.elect();
  assert.notEqual(first, "c");
  group.heal();
  group.pass(500);
  assert.equal(group.leader(), first, "not before it has kept up for a while");
  group.pass(1_500);
  assert.equal(group.leader(), "c");
});

Deno.test("a member of priority 0 does not campaign, but leads when it is asked to", () => {
  const members = [member("a", { priority: 0 }), member("b"), member("c")];
  const group = new Group({ members, outgoing: null });
  const leader = group.elect();
  assert.notEqual(leader, "a");
  group.transfer(leader, "a");
  assert.equal(group.leader(), "a");
});
