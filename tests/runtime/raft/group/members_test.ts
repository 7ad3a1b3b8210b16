/** Changes of members and of the lead that are refused, and those that are special. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { KvGroup } from "./groups.ts";

const THREE = ["a", "b", "c"];

function refusedWith(code: string) {
  return (error: unknown) => error instanceof RaftError && error.code === code && error.definite;
}

Deno.test("the lead is handed over to voters that keep data only", async () => {
  const group = await KvGroup.start(["a", "b", "w"], {
    members: ["a", "b", { id: "w", witness: true }],
  });
  const { kv } = await group.leader();
  await group.join("d", {});
  await group.done(kv.addLearner({ id: "d" }));
  await assert.rejects(group.done(kv.transfer("nobody")), refusedWith("UnknownMember"));
  await assert.rejects(group.done(kv.transfer("w")), refusedWith("WrongRole"));
  await assert.rejects(group.done(kv.transfer("d")), refusedWith("WrongRole"));
  await group.stop();
});

Deno.test("a transfer to who does not answer is given up, and the leader goes on", async () => {
  const group = await KvGroup.start(THREE);
  const leader = await group.leader();
  const { id } = await group.follower();
  group.crash(id);
  await assert.rejects(group.done(leader.kv.transfer(id)), refusedWith("TransferTimeout"));
  await group.put(leader, "key", "value");
  assert.equal((await group.leader()).id, leader.id);
  await group.stop();
});

Deno.test("changes that do not fit are refused, and change nothing", async () => {
  const group = await KvGroup.start(THREE);
  const { kv } = await group.leader();
  await assert.rejects(group.done(kv.addLearner({ id: "b" })), refusedWith("WrongRole"));
  await assert.rejects(group.done(kv.promote("b")), refusedWith("WrongRole"));
  await assert.rejects(group.done(kv.promote("x")), refusedWith("UnknownMember"));
  await assert.rejects(group.done(kv.remove("x")), refusedWith("UnknownMember"));
  await assert.rejects(group.done(kv.replace("a", "b")), refusedWith("WrongRole"));
  const { members } = kv.status().configuration;
  assert.deepEqual(members.map(({ id, role }) => `${role} ${id}`), [
    "voter a",
    "voter b",
    "voter c",
  ]);
  await group.stop();
});

Deno.test("a removal that would leave too few who answer is refused", async () => {
  const group = await KvGroup.start(THREE);
  const leader = await group.leader();
  const [gone, left] = THREE.filter((id) => id !== leader.id) as [string, string];
  group.crash(gone);
  await group.world.pass(2_000);
  await assert.rejects(group.done(leader.kv.remove(left)), refusedWith("WouldLoseQuorum"));
  await group.done(leader.kv.remove(gone));
  await group.put(leader, "key", "value");
  await group.stop();
});

Deno.test("a leader that is removed lets another one lead, and takes no part any more", async () => {
  const group = await KvGroup.start(THREE);
  const leader = await group.leader();
  await group.done(leader.kv.remove(leader.id));
  await group.world.pass(2_000);
  assert.notEqual(leader.kv.status().role, "leader");
  const next = await group.leader();
  assert.notEqual(next.id, leader.id);
  const { members } = next.kv.status().configuration;
  assert.deepEqual(members.map(({ id }) => id), THREE.filter((id) => id !== leader.id));
  const { term } = next.kv.status();
  await group.put(next, "key", "value");
  await group.world.pass(5_000);
  assert.equal(next.kv.status().term, term, "who has left disturbs nobody");
  await group.stop();
});

Deno.test("a witness that comes to a group whose log begins later joins without any state", async () => {
  const limits = { snapshotEntries: 16, keepEntries: 4 };
  const group = await KvGroup.start(THREE, { limits });
  for (let n = 0; n < 60; n += 1) await group.put(await group.leader(), "key", `${n}`);
  const leader = await group.leader();
  assert.ok(leader.kv.status().firstIndex > 1);
  const joining = await group.join("w", { limits });
  await group.done(leader.kv.addLearner({ id: "w", witness: true }));
  await group.done(leader.kv.promote("w"));
  await group.world.pass(500);
  assert.equal(joining.kv.status().witness, true);
  assert.equal(joining.kv.status().commit, leader.kv.status().commit);
  await group.stop();
});
