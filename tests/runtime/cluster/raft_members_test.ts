/** A cluster whose members are those of a Raft group. */

import assert from "node:assert/strict";
import { raftMembers } from "../../../runtime/cluster/raft_members.ts";
import { KvGroup } from "../raft/group/groups.ts";

Deno.test("who joins or leaves the group joins or leaves the cluster", async () => {
  const group = await KvGroup.start(["a", "b", "c"]);
  await group.join("d", {});
  const leader = await group.leader();
  const agent = { node: "agent", roles: ["agent"] };
  const source = raftMembers(leader.kv, (id) => ({ url: `ws://${id}:4100` }), [agent]);
  const told: string[][] = [];
  const end = source.subscribe((members) => told.push(members.map(({ node }) => node)));

  await group.done(leader.kv.addLearner({ id: "d" }));
  assert.deepEqual(told.at(-1), ["a", "b", "c", "d", "agent"]);
  const [gone] = ["a", "b", "c"].filter((id) => id !== leader.id);
  await group.done(leader.kv.replace(gone!, "d"));
  const left = ["a", "b", "c", "d"].filter((id) => id !== gone);
  assert.deepEqual(told.at(-1), [...left, "agent"]);
  assert.deepEqual(source.current()[0], { node: left[0], url: `ws://${left[0]}:4100` });

  end();
  const before = told.length;
  await group.done(leader.kv.addLearner({ id: "e" }));
  assert.equal(told.length, before);
  await group.stop();
});
