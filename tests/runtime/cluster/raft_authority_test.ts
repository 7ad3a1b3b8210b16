/** Placement that a Raft group decides: what the group has no room for now is proposed again, in bounds. */

import assert from "node:assert/strict";
import { startNode } from "../../../runtime/actor/node.ts";
import {
  type PlacementGroup,
  placementMachine,
  raftAuthority,
} from "../../../runtime/cluster/raft_authority.ts";
import { joinGroup } from "../../../runtime/raft/group.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";

/** A group of one with room for two commands that are not committed. */
async function tight() {
  const world = new World(1);
  const env = simulatedEnv({ seed: 1, world, name: "a" });
  const node = startNode(env, { id: "a", onFatal: () => env.crash("process") });
  const group: PlacementGroup = await world.complete(joinGroup(node, placementMachine(), {
    name: "placement",
    folder: "/data",
    members: ["a"],
    limits: {
      uncommittedEntries: 2,
      segmentBytes: 65_536,
      commandBytes: 8_192,
      reserveBytes: 65_536,
    },
  }));
  for (let waitedMs = 0; group.status().role !== "leader"; waitedMs += 10) {
    assert.ok(waitedMs < 5_000);
    await world.pass(10);
  }
  return { world, node, group };
}

function place(id: string) {
  return { do: "place", kind: "shard", id } as const;
}

Deno.test("decisions that a group has no room for are proposed again, and none is lost", async () => {
  const { world, node, group } = await tight();
  const authority = raftAuthority(node, group);
  const ids = Array.from({ length: 40 }, (_, at) => `shard-${at}`);
  await world.complete(Promise.all(ids.map((id) => authority.propose(place(id)))));
  assert.deepEqual([...authority.state().entities.keys()].sort(), ids.toSorted());
  await world.complete(node.stop());
});

Deno.test("what there was no room for all the time is refused, and was not done", async () => {
  const { world, node, group } = await tight();
  const authority = raftAuthority(node, group, { proposeAgainForMs: 1 });
  const ids = Array.from({ length: 40 }, (_, at) => `shard-${at}`);
  const settled = await world.complete(
    Promise.allSettled(ids.map((id) => authority.propose(place(id)))),
  );
  const refused = settled.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
  assert.ok(refused.length > 0);
  for (const { code, definite } of refused) {
    assert.deepEqual([code, definite], ["Overloaded", true]);
  }
  assert.equal(authority.state().entities.size, ids.length - refused.length);
  await world.complete(node.stop());
});
