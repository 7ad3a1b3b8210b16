/** Disks that are full or fail, and machines that throw: who is told, and who goes on. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { joinGroup } from "../../../../runtime/raft/group.ts";
import type { Machine } from "../../../../runtime/raft/machine.ts";
import { KvGroup, type KvMember } from "./groups.ts";

const THREE = ["a", "b", "c"];
const LONG = "x".repeat(20_000);

function refusedWith(code: string) {
  return (error: unknown) => error instanceof RaftError && error.code === code;
}

/** Leaves no byte on the disk of `member`. */
function fill({ env: { machine } }: KvMember): void {
  machine.faults.capacityBytes = machine.tree.usedBytes();
}

Deno.test("a member alone refuses commands while its disk is full, and goes on when it has room", async () => {
  const group = await KvGroup.start(["a"]);
  const alone = group.of("a");
  await group.put(alone, "key", "before");
  fill(alone);
  const code = async (n: number): Promise<string> => {
    try {
      const put = { do: "put" as const, key: `${n}`, value: LONG };
      await group.done(alone.kv.propose(put, { withinMs: 200 }));
      return "done";
    } catch (error) {
      return (error as RaftError).code;
    }
  };
  const codes: string[] = [];
  for (let n = 0; n < 60 && codes.at(-1) !== "DiskFull"; n += 1) codes.push(await code(n));
  assert.equal(codes.at(-1), "DiskFull");
  assert.equal(alone.kv.status().isDiskFull, true);
  assert.equal(
    await group.done(
      alone.kv.read(({ items }) => items.get("key")?.value, { consistency: "stale" }),
    ),
    "before",
  );
  alone.env.machine.faults.capacityBytes = Infinity;
  await group.world.pass(2_000);
  assert.equal(alone.kv.status().isDiskFull, false);
  await group.leader();
  await group.put(alone, "key", "after");
  assert.equal(await group.get(alone, "key"), "after");
  await group.stop();
});

Deno.test("a leader whose disk is full lets another one lead, and nobody is refused for long", async () => {
  const group = await KvGroup.start(THREE);
  const full = await group.leader();
  fill(full);
  const caller = await group.follower();
  for (let n = 0; n < 40; n += 1) {
    const put = { do: "put", key: `${n % 3}`, value: LONG } as const;
    await group.done(caller.kv.proposeOnce(`${n}`, put, { withinMs: 10_000 }));
  }
  assert.notEqual((await group.leader()).id, full.id);
  full.env.machine.faults.capacityBytes = Infinity;
  await group.world.pass(3_000);
  assert.equal(await group.get(full, "0"), LONG);
  await group.stop();
});

Deno.test("a member whose disk fails stops and says so, and the others go on", async () => {
  const failed: RaftError[] = [];
  const group = await KvGroup.start(THREE, { onFailed: (error) => failed.push(error) });
  const bad = await group.leader();
  bad.env.machine.faults.syncErrorRate = 1;
  await group.done(bad.kv.propose({ do: "put", key: "key", value: "lost?" })).catch(() => {});
  await group.world.pass(1_000);
  assert.deepEqual(failed.map(({ code }) => code), ["DiskFailed"]);
  const put = { do: "put", key: "key", value: "value" } as const;
  await assert.rejects(group.done(bad.kv.propose(put)), refusedWith("DiskFailed"));
  await assert.rejects(group.get(bad, "key"), refusedWith("DiskFailed"));
  bad.env.machine.faults.syncErrorRate = 0;
  const restart = group.crash(bad.id);
  const next = await group.leader();
  assert.notEqual(next.id, bad.id);
  await group.put(next, "key", "value");
  const back = await restart();
  assert.equal(await group.get(back, "key"), "value");
  await group.stop();
});

Deno.test("a snapshot that the disk cannot read is a failed disk, no damage", async () => {
  const failed: RaftError[] = [];
  const limits = { snapshotEntries: 8, keepEntries: 1 };
  const group = await KvGroup.start(["a"], { limits, onFailed: (error) => failed.push(error) });
  for (let n = 0; n < 30; n += 1) await group.put(group.of("a"), "key", `${n}`);
  assert.ok(group.of("a").kv.status().snapshotIndex > 0);
  const restart = group.crash("a");
  const back = await restart();
  back.env.machine.faults.readErrorRate = 1;
  await group.world.pass(1_000);
  assert.deepEqual(failed.map(({ code }) => code), ["DiskFailed"]);
  await group.stop();
});

const throwing: Machine<null, "work" | "throw", "worked"> = {
  initial: () => null,
  apply: (state, command) => {
    if (command === "throw") throw new Error("planned");
    return { state, result: "worked" };
  },
  *snapshot() {},
  restore: () => ({ write: () => {}, end: () => null }),
};

Deno.test("a machine that throws stops the member, which says at which entry", async () => {
  const group = await KvGroup.start(["a"]);
  const { node } = group.of("a");
  const failed: RaftError[] = [];
  const bad = await group.done(joinGroup(node, throwing, {
    name: "bad",
    folder: "/bad",
    members: ["a"],
    limits: { segmentBytes: 65_536, commandBytes: 8_192, reserveBytes: 65_536 },
    onFailed: (error) => failed.push(error),
  }));
  await group.done(bad.propose("work"));
  await assert.rejects(group.done(bad.propose("throw")), (error: RaftError) => {
    return !error.definite || error.code === "MachineFailed";
  });
  assert.deepEqual(failed.map(({ code }) => code), ["MachineFailed"]);
  assert.match(failed[0]!.message, /entry 3 of term 1: planned/);
  await assert.rejects(group.done(bad.propose("work")), refusedWith("MachineFailed"));
  await group.put(group.of("a"), "key", "the other group goes on");
  await group.stop();
});
