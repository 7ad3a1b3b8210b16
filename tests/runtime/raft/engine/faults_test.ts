/** Members with Workers that lose power, crash and are cut off, while snapshots cross: nothing is lost. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { KvGroup, type KvMember } from "../group/groups.ts";

const THREE = ["a", "b", "c"];
const STEPS = 12;
const WRITES = 6;

/** Writes that were acknowledged; what failed may be there or not. */
async function writeSome(group: KvGroup, member: KvMember, step: number): Promise<string[]> {
  const keys = Array.from({ length: WRITES }, (_, n) => `${step}/${n}`);
  const done = await group.done(
    Promise.all(
      keys.map((key) =>
        member.kv.propose({ do: "put", key, value: key }, { withinMs: 1_000 }).then(
          () => [key],
          (error) => {
            assert.ok(error instanceof RaftError, String(error));
            return [];
          },
        )
      ),
    ),
  );
  return done.flat();
}

async function live(seed: number): Promise<number> {
  const limits = { snapshotEntries: 16, keepEntries: 4, chunkBytes: 512, enginePieces: 2 };
  const group = await KvGroup.start(THREE, { inWorkers: true, limits }, seed);
  const random = group.world.random.stream("faults");
  const pick = () => THREE[Math.floor(random.next() * THREE.length)]!;
  const acknowledged: string[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const victim = pick();
    if (random.next() < 0.5) {
      const restart = group.crash(victim, random.next() < 0.5 ? "process" : "power");
      const other = group.of(THREE.find((id) => id !== victim)!);
      acknowledged.push(...await writeSome(group, other, step));
      await restart();
    } else {
      group.world.network.partition([[victim], THREE.filter((id) => id !== victim)]);
      acknowledged.push(...await writeSome(group, group.of(pick()), step));
      group.world.network.heal();
    }
  }
  for (const id of THREE) {
    const items = await group.done(group.of(id).kv.read((state) => state.items));
    for (const key of acknowledged) assert.equal(items.get(key)?.value, key, `seed ${seed}, ${id}`);
  }
  await group.stop();
  return acknowledged.length;
}

Deno.test("whatever was acknowledged is on every member after crashes, cuts and snapshots", async () => {
  let acknowledged = 0;
  for (let seed = 1; seed <= 6; seed += 1) acknowledged += await live(seed);
  assert.ok(acknowledged > 100, `only ${acknowledged} writes were acknowledged`);
});
