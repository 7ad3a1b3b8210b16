/** Groups beside each other, members that stop and come back, sessions that end, and what is told. */

import assert from "node:assert/strict";
import { joinGroup } from "../../../../runtime/raft/group.ts";
import type { RaftEvent } from "../../../../runtime/raft/core/outputs.ts";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { prometheusText } from "../../../../runtime/telemetry/prometheus.ts";
import { raftMetrics } from "../../../../runtime/telemetry/raft_metrics.ts";
import { store } from "../../../../examples/13_kv/store.ts";
import { type Kv, KvGroup } from "./groups.ts";

const THREE = ["a", "b", "c"];

function refusedWith(code: string) {
  return (error: unknown) => error instanceof RaftError && error.code === code;
}

Deno.test("two groups on the same nodes have their own leaders, logs and state", async () => {
  const group = await KvGroup.start(THREE);
  const others: Kv[] = [];
  for (const id of THREE) {
    const options = { ...group.options, name: "other", folder: `/other/${id}` };
    others.push(await group.done(joinGroup(group.of(id).node, store, options)));
  }
  await group.world.pass(2_000);
  await group.put(group.of("a"), "key", "first");
  await group.done(others[0]!.propose({ do: "put", key: "key", value: "second" }));
  for (const [place, id] of THREE.entries()) {
    assert.equal(await group.get(group.of(id), "key"), "first");
    const get = others[place]!.read(({ items }) => items.get("key")?.value);
    assert.equal(await group.done(get), "second");
  }
  const leader = (await group.leader()).id;
  await group.done(Promise.all(others.map((other) => other.stop())));
  assert.equal((await group.leader()).id, leader);
  await group.put(group.of("a"), "key", "goes on");
  await group.stop();
});

Deno.test("a member that was stopped takes nothing more, and comes back with what it had", async () => {
  const group = await KvGroup.start(THREE);
  await group.put(await group.leader(), "key", "before");
  const { kv, node, id } = await group.follower();
  await group.done(kv.stop());
  await assert.rejects(
    group.done(kv.propose({ do: "delete", key: "key" })),
    refusedWith("Stopped"),
  );
  await group.put(await group.leader(), "key", "meanwhile");
  const options = { ...group.options, name: "kv", folder: `/data/${id}` };
  const back = await group.done(joinGroup(node, store, options));
  assert.equal(await group.done(back.read(({ items }) => items.get("key")?.value)), "meanwhile");
  await group.stop();
});

Deno.test("a folder that a running member has open is refused", async () => {
  const group = await KvGroup.start(["a"]);
  const options = { ...group.options, name: "kv", folder: "/data/a" };
  const again = joinGroup(group.of("a").node, store, options);
  await assert.rejects(group.done(again), refusedWith("FolderLocked"));
  await group.put(group.of("a"), "key", "value");
  await group.stop();
});

Deno.test("a session that nobody uses ends, and what it asks for then is never applied", async () => {
  const group = await KvGroup.start(THREE, { limits: { sessionIdleMs: 2_000 } });
  const idle = group.of("a").kv.session("idle");
  const busy = group.of("b").kv.session("busy");
  await group.done(idle.propose({ do: "put", key: "idle", value: "one" }));
  for (let n = 0; n < 8; n += 1) {
    await group.done(busy.propose({ do: "put", key: "busy", value: `${n}` }));
    await group.world.pass(500);
  }
  const late = idle.propose({ do: "put", key: "idle", value: "two" });
  await assert.rejects(group.done(late), refusedWith("SessionExpired"));
  assert.equal(await group.get(group.of("c"), "idle"), "one");
  assert.equal(await group.get(group.of("c"), "busy"), "7");
  await group.stop();
});

Deno.test("listeners hear of leaders, terms and configurations, until they leave", async () => {
  const group = await KvGroup.start(THREE);
  const listener = await group.follower();
  const heard: RaftEvent[] = [];
  const leave = listener.kv.subscribe((event) => heard.push(event));
  listener.kv.subscribe(() => {
    throw new Error("planned: a bad listener harms nobody");
  });
  const first = await group.leader();
  const caller = THREE.find((id) => id !== first.id && id !== listener.id)!;
  await group.done(first.kv.transfer(caller));
  assert.equal((await group.leader()).id, caller);
  await group.done(group.of(caller).kv.setPriority(caller, 3));
  await group.world.pass(500);
  const leaders = heard.flatMap((event) => event.type === "leader" ? [event.leader] : []);
  assert.equal(leaders.at(-1), caller);
  const terms = heard.flatMap((event) => event.type === "term" ? [event.term] : []);
  assert.deepEqual(terms, [...terms].sort((a, b) => a - b));
  assert.equal(terms.length, 1);
  const committed = heard.flatMap((event) =>
    event.type === "configuration" && event.committed ? [event.configuration] : []
  );
  assert.equal(committed.at(-1)?.members.find(({ id }) => id === caller)?.priority, 3);
  leave();
  const count = heard.length;
  await group.done(group.of(caller).kv.setPriority(caller, 4));
  await group.world.pass(500);
  assert.equal(heard.length, count);
  await group.stop();
});

Deno.test("metrics tell who leads, in which term, and how far everybody is", async () => {
  const group = await KvGroup.start(THREE);
  const leader = await group.leader();
  for (let n = 0; n < 5; n += 1) await group.put(leader, "key", `${n}`);
  await group.world.pass(500);
  const text = prometheusText(raftMetrics(THREE.map((id) => group.of(id).kv.status())));
  const { term, commit } = leader.kv.status();
  for (const id of THREE) {
    const labels = `{group="kv",member="${id}"}`;
    assert.match(text, new RegExp(`^raft_term_current\\${labels} ${term}$`, "m"));
    assert.match(text, new RegExp(`^raft_commit_index\\${labels} ${commit}$`, "m"));
    assert.match(text, new RegExp(`^raft_applied_index\\${labels} ${commit}$`, "m"));
    const leads = id === leader.id ? 1 : 0;
    assert.match(text, new RegExp(`^raft_is_leader\\${labels} ${leads}$`, "m"));
    assert.match(text, new RegExp(`^raft_leader_changes_total\\${labels} 1$`, "m"));
  }
  assert.match(text, /^raft_election_duration_ms_count\{.*\} 1$/m);
  await group.stop();
});

Deno.test("of two clocks that disagree neither is believed: time stands still in the log", async () => {
  const group = await KvGroup.start(THREE);
  const first = await group.leader();
  await group.put(first, "key", "before");
  const { appliedAtMs } = first.kv.status();
  const gone = (await group.follower()).id;
  const restart = group.crash(gone);
  const ahead = group.of(THREE.find((id) => id !== gone && id !== first.id)!);
  ahead.env.machine.clocks.jump(3_600_000);
  await group.done(first.kv.transfer(ahead.id));
  assert.equal((await group.leader()).id, ahead.id);
  await group.world.pass(500);
  await group.put(ahead, "key", "meanwhile");
  assert.ok(ahead.kv.status().appliedAtMs - appliedAtMs < 10_000);
  await restart();
  await group.world.pass(2_000);
  const next = await group.leader();
  assert.notEqual(next.id, ahead.id, "two clocks of three agree");
  await group.put(next, "key", "after");
  const passedMs = next.kv.status().appliedAtMs - appliedAtMs;
  assert.ok(1_000 < passedMs && passedMs < 10_000, `${passedMs} ms`);
  await group.stop();
});
