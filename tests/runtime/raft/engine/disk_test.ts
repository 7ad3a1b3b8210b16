/** A disk that fails or is full under a Worker, as its member tells of it; on virtual time. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { KvGroup } from "../group/groups.ts";

const THREE = ["a", "b", "c"];
const PUT = { do: "put", key: "key", value: "v".repeat(60_000) } as const;

function refusedWith(code: string) {
  return (error: unknown) => error instanceof RaftError && error.code === code;
}

Deno.test("a Worker whose disk is full has its member refuse commands, and go on once there is room", async () => {
  const group = await KvGroup.start(["a"], { inWorkers: true });
  const { env: { machine }, kv } = group.of("a");
  machine.faults.capacityBytes = machine.tree.usedBytes();
  for (let n = 0; !kv.status().isDiskFull; n += 1) {
    assert.ok(n < 100, "the disk is full at last");
    await group.done(kv.propose(PUT, { withinMs: 500 }).catch(() => {}));
    await group.world.pass(100);
  }
  const refused = await group.done(kv.propose(PUT).catch((error) => error));
  assert.ok(refusedWith("DiskFull")(refused) && refused.definite);
  machine.faults.capacityBytes = Infinity;
  while (kv.status().isDiskFull) await group.world.pass(100);
  await group.put(await group.leader(), "key", "after");
  assert.equal(await group.get(group.of("a"), "key"), "after");
  await group.stop();
});

Deno.test("a Worker whose disk fails ends its member as DiskFailed, and the others go on", async () => {
  const failed: RaftError[] = [];
  const onFailed = (error: RaftError) => void failed.push(error);
  const group = await KvGroup.start(THREE, { inWorkers: true, onFailed });
  const { id, env: { machine }, kv } = await group.leader();
  machine.faults.syncErrorRate = 1;
  const lost = await group.done(kv.propose(PUT).catch((error) => error));
  assert.ok(lost instanceof RaftError && !lost.definite, "nobody knows whether it was applied");
  assert.deepEqual(failed.map(({ code }) => code), ["DiskFailed"]);
  await assert.rejects(group.done(kv.propose(PUT)), refusedWith("DiskFailed"));
  const others = THREE.filter((one) => one !== id).map((one) => group.of(one));
  const next = () => others.find((one) => one.kv.status().role === "leader");
  while (next() === undefined) await group.world.pass(50);
  const other = next()!;
  await group.put(other, "key", "by two");
  assert.equal(await group.get(other, "key"), "by two");
  machine.faults.syncErrorRate = 0;
  await group.stop();
});
