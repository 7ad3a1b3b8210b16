/** Groups whose members run programs of two versions: one after the other is upgraded while clients go on. */

import assert from "node:assert/strict";
import { type Command, type Outcome, type Store, store } from "../../../../examples/13_kv/store.ts";
import type { RaftError } from "../../../../runtime/raft/errors.ts";
import type { Machine } from "../../../../runtime/raft/machine.ts";
import { KvGroup, type KvMember, type KvOptions } from "./groups.ts";

const THREE = ["a", "b", "c"];

/** Version 2 knows removals on a condition, and writes in capitals. */
function program(current: number): Machine<Store, Command, Outcome> {
  return {
    ...store,
    versions: {
      current,
      of: (command) => command.do === "delete" && command.ifVersion !== undefined ? 2 : 1,
    },
    apply: (state, command, applying) => {
      const { version } = applying;
      assert.ok(version <= current, "nothing is applied under a version that is not known");
      const isNew = command.do === "delete" && command.ifVersion !== undefined;
      assert.ok(!isNew || version >= 2, "a command of version 2 stands behind its raise");
      const loud = command.do === "put" && version >= 2
        ? { ...command, value: command.value.toUpperCase() }
        : command;
      return store.apply(state, loud, applying);
    },
  };
}

function running(current: number, options: KvOptions = {}): KvOptions {
  return { ...options, machine: program(current) };
}

/** The member comes back, on the same disk, with another program. */
async function restart(
  group: KvGroup,
  id: string,
  version: number,
  options: KvOptions = {},
): Promise<KvMember> {
  const { env, node } = group.of(id);
  await group.done(node.stop());
  env.crash("process");
  return await group.join(id, running(version, { ...group.options, ...options }), env.restart());
}

const removal: Command = { do: "delete", key: "key", ifVersion: 0 };

function versions(group: KvGroup): number[] {
  return group.ids.map((id) => group.of(id).kv.status().machine.version);
}

for (const inWorkers of [false, true]) {
  const where = inWorkers ? "in Workers" : "in threads";

  Deno.test(`a group goes on to a later version once its last member has it (${where})`, async () => {
    const group = await KvGroup.start(THREE, running(1, { inWorkers }));
    await group.put(await group.leader(), "key", "first");
    for (const id of THREE) {
      assert.deepEqual(versions(group), [1, 1, 1]);
      await restart(group, id, 2);
      await group.put(await group.leader(), id, "while it is upgraded");
      await group.world.pass(1_000);
    }
    assert.deepEqual(versions(group), [2, 2, 2]);
    await group.put(await group.leader(), "key", "last");
    for (const id of THREE) {
      assert.equal(await group.get(group.of(id), "a"), "while it is upgraded");
      assert.equal(await group.get(group.of(id), "key"), "LAST");
    }
    await group.stop();
  });
}

Deno.test("a command of a later version waits until all members can apply it", async () => {
  const group = await KvGroup.start(THREE, running(1));
  for (const id of ["a", "b"]) await restart(group, id, 2);
  await group.leader();
  const held = group.of("a").kv.propose(removal, { withinMs: 60_000 });
  const session = group.of("b").kv.session("client").propose(removal, { withinMs: 60_000 });
  const keyed = group.of("b").kv.proposeOnce("once", removal, { withinMs: 60_000 });
  const settled: string[] = [];
  const note = (name: string) => () => void settled.push(name);
  void Promise.all([
    held.then(note("held")),
    session.then(note("session")),
    keyed.then(note("keyed")),
  ]);
  await group.put(group.of("a"), "other", "goes on");
  await group.world.pass(5_000);
  assert.deepEqual(settled, []);
  await restart(group, "c", 2);
  await group.done(Promise.all([held, session, keyed]));
  await group.stop();
});

Deno.test("a command that nobody may write yet is refused in the end, definitely and with the reason", async () => {
  const group = await KvGroup.start(
    THREE,
    running(1, { limits: { heldCommands: 1 } }),
  );
  const { kv } = await restart(group, "a", 2);
  const held = kv.propose(removal, { withinMs: 2_000 });
  await assert.rejects(group.done(kv.propose(removal)), { code: "Overloaded", definite: true });
  await assert.rejects(group.done(held), {
    code: "VersionHeld",
    definite: true,
    retryable: true,
    message: /after 2000 ms its group is at 1 still/,
  });
  const stopped = kv.propose(removal, { withinMs: 2_000 });
  const refused = assert.rejects(group.done(stopped), { code: "Stopped" });
  await group.done(kv.stop());
  await refused;
  await group.stop();
});

Deno.test("what waits for a later version ends with its member, and holds up nobody", async () => {
  const group = await KvGroup.start(THREE, running(1));
  const failures: string[] = [];
  const onFailed = ({ code }: RaftError) => void failures.push(code);
  const { env, kv } = await restart(group, "a", 2, { onFailed });
  const held = assert.rejects(group.done(kv.propose(removal, { withinMs: 60_000 })), {
    code: "DiskFailed",
  });
  env.machine.faults.syncErrorRate = 1;
  await group.put(await group.leader(), "key", "written");
  await held;
  assert.deepEqual(failures, ["DiskFailed"]);
  await assert.rejects(group.done(kv.propose(removal)), { code: "DiskFailed" });
  await group.world.pass(1_000);
  await group.stop();
});

Deno.test("a group of one goes on to the version of its program by itself", async () => {
  const group = await KvGroup.start(["a"], running(1));
  const { kv } = await restart(group, "a", 3);
  await group.leader();
  await group.done(kv.propose(removal));
  assert.deepEqual(kv.status().machine, { version: 3, current: 3 });
  await group.stop();
});

Deno.test("a member that does not answer holds the version back, one that is removed does not", async () => {
  const group = await KvGroup.start(THREE, running(2));
  await group.world.pass(1_000);
  assert.deepEqual(versions(group), [2, 2, 2]);
  for (const id of ["a", "b"]) await restart(group, id, 3);
  group.crash("c");
  const leader = await group.leader();
  await group.world.pass(10_000);
  assert.equal(leader.kv.status().machine.version, 2);
  await group.done(leader.kv.remove("c"));
  await group.world.pass(1_000);
  assert.equal(leader.kv.status().machine.version, 3);
  await group.stop();
});

Deno.test("a witness has no state, and so no version that others wait for", async () => {
  const members = ["a", "b", { id: "w", witness: true }];
  const group = await KvGroup.start(["a", "b", "w"], running(1, { members }));
  for (const id of ["a", "b"]) await restart(group, id, 2);
  await group.leader();
  await group.world.pass(1_000);
  assert.equal(group.of("a").kv.status().machine.version, 2);
  await group.stop();
});

for (const way of ["by its log", "by a snapshot"]) {
  Deno.test(`a downgraded member stops in front of what it does not know, ${way}, and goes on with the program that does`, async () => {
    const limits = way === "by its log" ? {} : { snapshotEntries: 4, keepEntries: 1 };
    const group = await KvGroup.start(THREE, running(2, { limits }));
    await group.world.pass(1_000);
    await group.put(await group.leader(), "key", "loud");
    for (let count = 0; count < 20; count += 1) {
      await group.put(await group.leader(), `key ${count}`, "more");
    }
    const { id } = await group.follower();
    const failures: RaftError[] = [];
    const onFailed = (error: RaftError) => void failures.push(error);
    const old = await restart(group, id, 1, { onFailed });
    await group.world.pass(2_000);
    assert.deepEqual(failures.map(({ code, definite }) => [code, definite]), [
      ["MachineVersion", true],
    ]);
    assert.match(failures[0]!.message, /at version 2 of its machine, this program knows 1/);
    assert.equal(old.kv.state.items.size, 0, "nothing was applied under another version");
    await assert.rejects(group.done(old.kv.propose({ do: "delete", key: "key" })), {
      code: "MachineVersion",
    });
    await group.put(await group.leader(), "key", "meanwhile");
    const back = await restart(group, id, 2);
    assert.equal(await group.get(back, "key"), "MEANWHILE");
    await group.stop();
  });
}

Deno.test("a learner with an earlier program stops, and the group goes on without it", async () => {
  const group = await KvGroup.start(THREE, running(2));
  await group.world.pass(1_000);
  const failures: string[] = [];
  const onFailed = ({ code }: RaftError) => void failures.push(code);
  const { members: _, ...options } = group.options;
  await group.join("d", running(1, { ...options, onFailed }));
  const leader = await group.leader();
  await group.done(leader.kv.addLearner({ id: "d" }));
  await group.world.pass(2_000);
  assert.deepEqual(failures, ["MachineVersion"]);
  await group.put(leader, "key", "on");
  await group.stop();
});
