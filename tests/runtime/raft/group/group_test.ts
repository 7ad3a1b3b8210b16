/** A group as its users see it: commands, reads, sessions, crashes, members. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { KvGroup, type KvOptions } from "./groups.ts";

function withGroup(
  ids: readonly string[],
  body: (group: KvGroup) => Promise<void>,
  options: KvOptions = {},
): (inWorkers: boolean) => Promise<void> {
  return async (inWorkers) => {
    const group = await KvGroup.start(ids, { ...options, inWorkers });
    await body(group);
    await group.stop();
  };
}

/** With core and log in the members' own threads, and in Workers. */
function groupTest(name: string, test: (inWorkers: boolean) => Promise<void>): void {
  Deno.test(name, () => test(false));
  Deno.test(`in Workers: ${name}`, () => test(true));
}

const THREE = ["a", "b", "c"];

function refusedWith(code: string) {
  return (error: unknown) => error instanceof RaftError && error.code === code;
}

groupTest(
  "a command that any member takes is in the state that every member reads",
  withGroup(THREE, async (group) => {
    for (const id of THREE) await group.put(group.of(id), id, `from ${id}`);
    for (const reader of THREE) {
      for (const id of THREE) assert.equal(await group.get(group.of(reader), id), `from ${id}`);
    }
  }),
);

groupTest(
  "a group of one works alone",
  withGroup(["a"], async (group) => {
    await group.put(group.of("a"), "key", "value");
    assert.equal(await group.get(group.of("a"), "key"), "value");
  }),
);

groupTest(
  "what was acknowledged is there after every member has lost power",
  withGroup(THREE, async (group) => {
    for (let n = 0; n < 20; n += 1) await group.put(await group.leader(), `key${n}`, `value${n}`);
    const restarts = THREE.map((id) => group.crash(id, "power"));
    for (const restart of restarts) await restart();
    for (let n = 0; n < 20; n += 1) {
      assert.equal(await group.get(await group.leader(), `key${n}`), `value${n}`);
    }
  }),
);

groupTest(
  "the others go on when the leader dies, and it catches up when it is back",
  withGroup(THREE, async (group) => {
    const first = await group.leader();
    await group.put(first, "key", "one");
    const restart = group.crash(first.id);
    const next = await group.leader();
    assert.notEqual(next.id, first.id);
    await group.put(next, "key", "two");
    const back = await restart();
    assert.equal(await group.get(back, "key"), "two");
  }),
);

groupTest(
  "a minority serves stale reads with their age, refuses fresh ones, and takes no command",
  withGroup(THREE, async (group) => {
    const alone = await group.follower();
    await group.put(await group.leader(), "key", "old");
    assert.equal(await group.get(alone, "key"), "old");
    group.world.network.partition([[alone.id], THREE.filter((id) => id !== alone.id)]);
    await group.world.pass(1_000);
    const { atMs } = await group.done(
      alone.kv.read((_state, at) => at, { consistency: "stale" }),
    );
    assert.ok(atMs > 0);
    await assert.rejects(group.get(alone, "key"), refusedWith("NoLeader"));
    await assert.rejects(group.put(alone, "key", "lost"), refusedWith("NoLeader"));
    group.world.network.heal();
    assert.equal(await group.get(alone, "key"), "old");
  }),
);

groupTest(
  "a command of a session is applied once though it is asked for again",
  withGroup(THREE, async (group) => {
    const { kv } = await group.follower();
    const put = { do: "put", key: "key", value: "value", ifVersion: 0 } as const;
    const first = await group.done(kv.proposeOnce("order 7", put));
    const again = await group.done((await group.leader()).kv.proposeOnce("order 7", put));
    assert.deepEqual(again, first);
    assert.equal(first.result.done, true);
  }),
);

groupTest(
  "a session's commands outlive the leader that took them",
  withGroup(THREE, async (group) => {
    const { kv, id } = await group.follower();
    const session = kv.session("client");
    await group.done(session.propose({ do: "put", key: "n", value: "1" }));
    const leader = await group.leader();
    const { result: { version } } = await group.done(
      session.propose({ do: "put", key: "n", value: "2" }),
    );
    const pending = session.propose({ do: "put", key: "n", value: "3", ifVersion: version }, {
      withinMs: 10_000,
    });
    if (leader.id !== id) group.crash(leader.id);
    const { result } = await group.done(pending);
    assert.equal(result.done, true);
    assert.equal(await group.get(group.of(id), "n"), "3");
  }),
);

groupTest(
  "a follower that missed more than the log keeps gets a snapshot, and restarts from it",
  withGroup(THREE, async (group) => {
    const behind = await group.follower();
    const restart = group.crash(behind.id);
    for (let n = 0; n < 60; n += 1) await group.put(await group.leader(), `key${n % 7}`, `${n}`);
    const back = await restart();
    assert.equal(await group.get(back, "key3"), "59");
    assert.ok(back.kv.status().snapshotIndex > 0);
    const again = await group.crash(behind.id, "power")();
    assert.equal(await group.get(again, "key3"), "59");
  }, { limits: { snapshotEntries: 16, keepEntries: 4 } }),
);

groupTest(
  "a node joins as a learner, catches up, votes, and takes the place of another",
  withGroup(THREE, async (group) => {
    for (let n = 0; n < 30; n += 1) await group.put(await group.leader(), `key${n}`, `${n}`);
    const joining = await group.join("d", {});
    const leader = await group.leader();
    await group.done(leader.kv.addLearner({ id: "d" }));
    assert.equal(await group.get(joining, "key29"), "29");
    const gone = await group.follower();
    const caller = THREE.find((id) => id !== gone.id)!;
    await group.done(group.of(caller).kv.replace(gone.id, "d"));
    const voters = (await group.leader()).kv.status().configuration.members
      .filter(({ role }) => role === "voter").map(({ id }) => id);
    assert.deepEqual(voters, [...THREE, "d"].filter((id) => id !== gone.id));
    group.crash(gone.id);
    await group.put(joining, "key", "by three");
    assert.equal(await group.get(joining, "key"), "by three");
  }),
);

groupTest(
  "leadership is handed over when it is asked for",
  withGroup(THREE, async (group) => {
    const from = await group.leader();
    const to = await group.follower();
    await group.done(from.kv.transfer(to.id));
    assert.equal((await group.leader()).id, to.id);
    await group.put(from, "key", "value");
  }),
);

groupTest(
  "two full members and a witness elect after one full member is lost, but commit nothing alone",
  withGroup(
    ["a", "b", "w"],
    async (group) => {
      await group.put(await group.leader(), "key", "value");
      const lost = (await group.leader()).id;
      const restart = group.crash(lost);
      const left = await group.leader();
      assert.equal(left.kv.status().witness, false);
      await assert.rejects(
        group.done(left.kv.propose({ do: "put", key: "key", value: "new" }, { withinMs: 2_000 })),
        refusedWith("UnknownOutcome"),
      );
      assert.equal(left.kv.status().degraded, true);
      const back = await restart();
      await group.put(back, "key", "newest");
      assert.equal(await group.get(left, "key"), "newest");
    },
    { members: ["a", "b", { id: "w", witness: true }] },
  ),
);

groupTest(
  "a witness keeps no more of its log than the others, and starts again from there",
  withGroup(
    ["a", "b", "w"],
    async (group) => {
      for (let n = 0; n < 60; n += 1) await group.put(await group.leader(), "key", `${n}`);
      await group.world.pass(500);
      const { snapshotIndex, firstIndex } = group.of("w").kv.status();
      assert.ok(snapshotIndex >= 32 && firstIndex > 16, `${snapshotIndex}, ${firstIndex}`);
      await group.crash("w", "power")();
      await group.put(group.of("w"), "key", "last");
      const lost = (await group.leader()).id;
      group.crash(lost);
      assert.deepEqual([lost, (await group.leader()).id].sort(), ["a", "b"]);
    },
    {
      members: ["a", "b", { id: "w", witness: true }],
      limits: { snapshotEntries: 16, keepEntries: 4 },
    },
  ),
);

groupTest(
  "`all` says when every full voter has it, and that a quorum had to do where one is too slow",
  withGroup(THREE, async (group) => {
    const { kv } = await group.leader();
    const put = { do: "put", key: "key", value: "value" } as const;
    const all = await group.done(kv.propose(put, { durability: "all" }));
    assert.equal(all.durability, "all");
    group.crash((await group.follower()).id);
    const quorum = await group.done(kv.propose(put, { durability: "all" }));
    assert.equal(quorum.durability, "quorum");
    const lossy = await group.done(kv.proposeLossy(put));
    assert.ok(lossy.index > 0);
  }),
);

groupTest(
  "status tells of each member how far it is",
  withGroup(THREE, async (group) => {
    const leader = await group.leader();
    await group.put(leader, "key", "value");
    await group.world.pass(200);
    const { peers, commit } = leader.kv.status();
    assert.deepEqual(peers.map(({ match, lagEntries }) => [match, lagEntries]), [
      [commit, 0],
      [commit, 0],
    ]);
  }),
);

groupTest(
  "who stops tells everybody who waits, and takes nothing more",
  withGroup(THREE, async (group) => {
    const alone = await group.follower();
    group.world.network.partition([[alone.id], THREE.filter((id) => id !== alone.id)]);
    await group.world.pass(1_000);
    const read = assert.rejects(alone.kv.read(({ items }) => items.size), refusedWith("Stopped"));
    const put = { do: "put", key: "key", value: "value" } as const;
    const write = assert.rejects(alone.kv.propose(put), refusedWith("Stopped"));
    await group.world.pass(300);
    await group.done(alone.kv.stop());
    await group.done(Promise.all([read, write]));
    assert.equal(alone.kv.status().leader, null);
    await assert.rejects(group.done(alone.kv.propose(put)), refusedWith("Stopped"));
    await assert.rejects(group.get(alone, "key"), refusedWith("Stopped"));
    group.world.network.heal();
    await group.put(await group.leader(), "key", "by two");
  }),
);

Deno.test("a folder belongs to one member of one group", async () => {
  const group = await KvGroup.start(["a"]);
  const { env } = group.of("a");
  await group.stop();
  env.crash("process");
  const other = { name: "other", members: ["a"] } as KvOptions;
  await assert.rejects(
    group.join("a", { ...group.options, ...other }, env.restart()),
    refusedWith("WrongFolder"),
  );
});
