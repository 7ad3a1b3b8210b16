/** Core and log in real Workers: what only threads can show. Behaviour on virtual time: `../group`. */

import assert from "node:assert/strict";
import { RaftError, SocketError } from "../../../../mod.ts";
import { DEATH_CHANNEL } from "./death_channel.ts";
import { block, RealGroup, turn } from "./real_group.ts";

const THREE = ["a", "b", "c"];

function isA(kind: typeof RaftError | typeof SocketError, code: string) {
  return (error: unknown) => error instanceof kind && error.code === code;
}

Deno.test("commands of any member reach every member, and each reads its own write", () =>
  RealGroup.run(THREE, async (group) => {
    for (const id of THREE) {
      await group.of(id).kv.propose({ do: "put", key: id, value: `from ${id}` });
    }
    for (const id of THREE) {
      const keys = await group.of(id).kv.read(({ items }) => [...items.keys()].sort());
      assert.deepEqual(keys, THREE);
    }
  }));

Deno.test("a thread that is blocked for longer than any election timeout elects nobody", () =>
  RealGroup.run(THREE, async (group) => {
    const { kv, id } = await group.leader();
    await kv.propose({ do: "put", key: "key", value: "before" });
    const { term } = kv.status();
    block(2_200); // with its random part, a timeout is 2,000 ms at most
    await kv.propose({ do: "put", key: "key", value: "after" });
    const { leader, term: now } = kv.status();
    assert.deepEqual([leader, now], [id, term]);
  }, () => ({ heartbeatMs: 250, electionMs: 1_000 })));

Deno.test("a member whose thread hears nothing for engineStallMs lets another one lead", () =>
  RealGroup.run(["a", "b"], async (group) => {
    if ((await group.leader()).id !== "a") await group.of("b").kv.transfer("a");
    while (group.of("a").kv.status().role !== "leader") await turn();
    block(2_000);
    while (group.of("b").kv.status().role !== "leader") await turn();
    await group.of("a").kv.propose({ do: "put", key: "key", value: "value" });
    assert.equal(await group.of("a").kv.read(({ items }) => items.get("key")?.value), "value");
  }, (id) => id === "a" ? { engineStallMs: 300 } : {}));

Deno.test("a snapshot of megabytes crosses to the Worker, and comes back after a restart", () =>
  RealGroup.run(["a"], async (group) => {
    const value = "v".repeat(60_000);
    const puts = Array.from(
      { length: 100 },
      (_, n) => group.of("a").kv.propose({ do: "put", key: `key${n}`, value: `${n} ${value}` }),
    );
    const done = await Promise.all(puts);
    const taken = await group.of("a").kv.snapshot();
    assert.equal(taken?.index, Math.max(...done.map(({ index }) => index)));
    await group.of("a").node.stop();
    const { kv } = await group.join("a");
    await group.leader();
    const read = await kv.read(({ items }) => [items.size, items.get("key99")?.value]);
    assert.deepEqual(read, [100, `99 ${value}`]);
    assert.ok(kv.status().snapshotIndex > 0);
  }, () => ({ keepEntries: 1 })));

/** Whoever has such a name dies, in other files of this process too. */
const MORTAL = ["mortal-a", "mortal-b", "mortal-c"];

Deno.test("a Worker that dies ends its member and nobody else's; its folder can be used at once", () =>
  RealGroup.run(MORTAL, async (group) => {
    const dead = await group.leader();
    const waiting = group.of(dead.id).kv.session("client");
    await waiting.propose({ do: "put", key: "key", value: "one" });
    const channel = new BroadcastChannel(DEATH_CHANNEL);
    channel.postMessage(`${dead.id}.raft`);
    const error = await dead.failed;
    channel.close();
    assert.ok(isA(RaftError, "WorkerLost")(error));
    await assert.rejects(dead.kv.read(({ items }) => items.size), isA(RaftError, "WorkerLost"));
    await dead.node.stop();
    group.members.delete(dead.id);
    await (await group.leader()).kv.propose({ do: "put", key: "key", value: "two" });
    const back = await group.join(dead.id);
    assert.equal(await back.kv.read(({ items }) => items.get("key")?.value), "two");
  }));

Deno.test("what the disk or the links of a Worker refuse keeps its code", () =>
  RealGroup.run(["a"], async (group) => {
    await assert.rejects(
      group.join("a"),
      (error) => isA(SocketError, "inUse")(error) || isA(RaftError, "FolderLocked")(error),
    );
    await group.of("a").node.stop();
    await assert.rejects(group.join("a", {}, "other"), isA(RaftError, "WrongFolder"));
    await group.join("a");
  }));
