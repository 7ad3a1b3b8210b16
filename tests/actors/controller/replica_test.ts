/** The controllers' group as its users see it: what is committed, who hears of it, what survives. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Effect } from "../../../actors/controller/applied.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import type { News } from "../../../actors/controller/outbox.ts";
import { emptyPlan } from "../plans.ts";
import { Controllers, type Member, textOf } from "./controllers.ts";
import { anyCommand } from "./random_commands.ts";

const THREE = ["a", "b", "c"];
const LONG = { commandBytes: 4 * 1_048_576, segmentBytes: 8 * 1_048_576 };

function createRun(runId: string): Command {
  return { type: "createRun", runId, tenant: "acme", plan: emptyPlan() };
}

/** The runs that effects speak of, in order. */
function runsOf(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => effect.type === "runChanged" ? [effect.runId] : []);
}

Deno.test("a command that any controller takes is in the state of all of them", async () => {
  const group = await Controllers.start(THREE);
  for (const id of THREE) {
    const { refused } = await group.done(group.of(id).replica.commit(createRun(id)));
    assert.deepEqual(refused, []);
  }
  await group.level();
  const texts = THREE.map((id) => textOf(group.of(id).replica.state));
  assert.deepEqual([...group.of("a").replica.state.runs.keys()].sort(), THREE);
  assert.equal(new Set(texts).size, 1);
  await group.stop();
});

Deno.test("what does not hold is refused with the reason, wherever it was proposed", async () => {
  const group = await Controllers.start(THREE);
  const { replica } = await group.follower();
  await group.done(replica.propose(createRun("twice")));
  assert.match((await group.done(replica.propose(createRun("twice"))))[0]!, /run twice exists/);
  await group.stop();
});

Deno.test("every node tells each effect once, in order, with the state that it speaks of", async () => {
  const heard = new Map<string, string[]>(THREE.map((id) => [id, []]));
  const begun = ({ id, replica }: Member) => {
    replica.subscribe((effects) => {
      for (const runId of runsOf(effects)) {
        assert.ok(replica.state.runs.has(runId));
        heard.get(id)!.push(runId);
      }
    });
  };
  const group = await Controllers.start(THREE, { begun });
  const { replica } = await group.follower();
  const ids = Array.from({ length: 20 }, (_, n) => `run-${n}`);
  for (const id of ids.slice(0, 5)) await group.done(replica.propose(createRun(id)));
  await group.done(Promise.all(ids.slice(5).map((id) => replica.propose(createRun(id)))));
  await group.level();
  for (const id of THREE) assert.deepEqual([...heard.get(id)!].sort(), [...ids].sort());
  assert.deepEqual(heard.get("a"), heard.get("b"));
  assert.deepEqual(heard.get("a"), heard.get("c"));
  await group.stop();
});

Deno.test("who proposes hears of it after those who listen", async () => {
  const group = await Controllers.start(["a"]);
  const { replica } = group.of("a");
  const order: string[] = [];
  replica.subscribe(() => order.push("heard"));
  await group.done(replica.propose(createRun("one")).then(() => order.push("settled")));
  assert.deepEqual(order, ["heard", "settled"]);
  await group.stop();
});

Deno.test("a controller that starts again tells its replay as such, and acts on none of it", async () => {
  const group = await Controllers.start(THREE);
  const { id, replica } = await group.follower();
  for (const run of ["one", "two"]) await group.done(replica.propose(createRun(run)));
  await group.level();
  const told = replica.raft.status().applied;
  const restart = group.crash(id);
  const back = await restart();
  const acted: Effect[] = [];
  const news: News[] = [];
  back.replica.subscribe((effects) => acted.push(...effects));
  back.replica.follow((more) => news.push(...more));
  await group.until("it has caught up", () => back.replica.raft.status().applied >= told);
  await group.done(back.replica.propose(createRun("three")));
  await group.level();
  assert.deepEqual(runsOf(acted), ["three"]);
  const replays = news.map((one) => one.type === "committed" && one.isReplay);
  assert.deepEqual(replays, [true, true, false]);
  const indexes = news.map(({ index }) => index);
  assert.deepEqual(indexes, indexes.toSorted((a, b) => a - b));
  await group.stop();
});

Deno.test("a leader's death loses nothing that was acknowledged, and the others go on", async () => {
  const group = await Controllers.start(THREE);
  const first = await group.leader();
  for (let n = 0; n < 5; n += 1) {
    await group.done((await group.follower()).replica.commit(createRun(`before-${n}`)));
  }
  const { replica } = await group.follower();
  const during = replica.commit(createRun("during"), { key: "request-1", withinMs: 10_000 });
  const restart = group.crash(first.id, "power");
  const { refused, index } = await group.done(during);
  assert.deepEqual(refused, []);
  assert.notEqual((await group.leader()).id, first.id);
  await group.done(replica.commit(createRun("after")));
  const back = await restart();
  await group.level();
  const { state } = await group.done(back.replica.read("linearizable"));
  assert.equal(state.runs.size, 7);
  assert.equal(state.runs.get("during")?.version, index);
  assert.equal(new Set(THREE.map((id) => textOf(group.of(id).replica.state))).size, 1);
  await group.stop();
});

Deno.test("a command with a key is done once, and another one under that key is told so", async () => {
  const group = await Controllers.start(THREE);
  const once = (id: string, run: string) =>
    group.done(group.of(id).replica.commit(createRun(run), { key: "k" }));
  const first = await once("a", "one");
  assert.deepEqual(await once("b", "one"), first);
  await assert.rejects(once("c", "two"), { code: "keyReused" });
  assert.deepEqual([...group.of("a").replica.state.runs.keys()], ["one"]);
  await group.stop();
});

Deno.test("a request's own fingerprint decides what is another command", async () => {
  const group = await Controllers.start(["a"]);
  const { replica } = group.of("a");
  const once = (run: string, fingerprint: string) =>
    group.done(replica.commit(createRun(run), { key: "k", fingerprint }));
  const first = await once("one", "the same request");
  assert.deepEqual(await once("another id", "the same request"), first);
  await assert.rejects(once("one", "another request"), { code: "keyReused" });
  await group.stop();
});

Deno.test("a minority takes no command, says that nothing was done, and reads what it has", async () => {
  const group = await Controllers.start(THREE);
  const alone = await group.follower();
  await group.done(alone.replica.propose(createRun("old")));
  await group.level();
  group.world.network.partition([[alone.id], THREE.filter((id) => id !== alone.id)]);
  await group.world.pass(1_000);
  const options = { withinMs: 500 };
  await assert.rejects(group.done(alone.replica.commit(createRun("new"), options)), {
    code: "NoLeader",
    definite: true,
  });
  await assert.rejects(group.done(alone.replica.read("linearizable", 500)), { code: "NoLeader" });
  const { state, atMs } = await group.done(alone.replica.read("stale"));
  assert.ok(state.runs.has("old") && atMs > 0);
  group.world.network.heal();
  const again = { key: "new", withinMs: 10_000 };
  assert.deepEqual((await group.done(alone.replica.commit(createRun("new"), again))).refused, []);
  await group.stop();
});

Deno.test("a proposal waits while nobody leads, and is taken once somebody does", async () => {
  const group = await Controllers.start(THREE);
  const alone = await group.follower();
  group.world.network.partition([[alone.id], THREE.filter((id) => id !== alone.id)]);
  await group.world.pass(1_000);
  const waiting = alone.replica.propose(createRun("late"));
  await group.world.pass(4_000);
  group.world.network.heal();
  assert.deepEqual(await group.done(waiting), []);
  await group.stop();
});

Deno.test("what is no command is refused before it reaches the log", async () => {
  const group = await Controllers.start(["a"]);
  const { replica } = group.of("a");
  const before = replica.raft.status().lastIndex;
  const bad = { type: "revokeKey", id: 7 } as unknown as Command;
  await assert.rejects(group.done(replica.commit(bad)), { code: "invalid" });
  assert.equal(replica.raft.status().lastIndex, before);
  await group.done(replica.commit(createRun("good")));
  await group.stop();
});

Deno.test("a snapshot and the log after it give the state that all commands give", async () => {
  const limits = { snapshotEntries: 16, keepEntries: 4 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyCommand, { minLength: 20, maxLength: 60 }),
      fc.integer({ min: 1, max: 1_000 }),
      async (commands, seed) => {
        const group = await Controllers.start(["a"], { limits, seed });
        const { replica } = group.of("a");
        await group.done(replica.propose(createRun("r1")));
        for (const command of commands) await group.done(replica.propose(command));
        assert.ok(replica.raft.status().snapshotIndex > 0);
        const before = textOf(replica.state);
        const back = await group.crash("a", "power")();
        await group.level();
        assert.equal(textOf(back.replica.state), before);
        await group.stop();
      },
    ),
    { numRuns: 8 },
  );
});

Deno.test("a controller that comes by a snapshot has the others' state, and says that it came so", async () => {
  const limits = { snapshotEntries: 8, keepEntries: 1 };
  const group = await Controllers.start(THREE, { limits });
  const { id } = await group.follower();
  const restart = group.crash(id);
  const { replica } = await group.leader();
  for (let n = 0; n < 30; n += 1) await group.done(replica.propose(createRun(`run-${n}`)));
  const back = await restart();
  const news: News[] = [];
  back.replica.follow((more) => {
    assert.ok(back.replica.state.index >= more[0]!.index);
    news.push(...more);
  });
  await group.level();
  assert.ok(news.some(({ type, index }) => type === "restored" && index > 8));
  assert.equal(textOf(back.replica.state), textOf(replica.state));
  await group.stop();
});

Deno.test("a long plan is committed from a follower as well", async () => {
  const group = await Controllers.start(THREE, { limits: LONG });
  const { replica } = await group.follower();
  const { transfers, ...plan } = emptyPlan();
  const many = Array.from(
    { length: 3_000 },
    (_, n) => ({ ...transfers[0]!, name: `transfer-${n}` }),
  );
  const command: Command = {
    type: "createRun",
    runId: "long",
    tenant: "acme",
    plan: { ...plan, transfers: many },
  };
  assert.ok(JSON.stringify(command).length > 2_000_000);
  await group.done(replica.commit(command, { withinMs: 20_000 }));
  await group.level();
  for (const id of THREE) {
    assert.equal(group.of(id).replica.state.runs.get("long")?.plan.transfers.length, 3_000);
  }
  await group.stop();
});

Deno.test("a command that is too long is refused, and nothing was done", async () => {
  const group = await Controllers.start(["a"]);
  const text = "x".repeat(100_000);
  const command: Command = {
    type: "putDefinition",
    tenant: "acme",
    name: "long",
    text,
    ifVersion: null,
  };
  await assert.rejects(group.done(group.of("a").replica.commit(command)), {
    code: "TooLarge",
    definite: true,
  });
  await group.stop();
});

Deno.test("with core and log in Workers leadership and commands are the same", async () => {
  const group = await Controllers.start(THREE, { inWorkers: true });
  const first = await group.leader();
  const told: (number | null)[] = [];
  first.replica.onLeadership((leading) => told.push(leading?.term ?? null));
  const { replica } = await group.follower();
  await group.done(replica.commit(createRun("one"), { key: "k" }));
  group.world.network.partition([
    [first.id, `${first.id}.raft`],
    THREE.filter((id) => id !== first.id),
  ]);
  await group.until("it has noticed", () => !first.replica.isLeader);
  assert.equal(told[0]! > 0, true);
  assert.equal(told.at(-1), null);
  group.world.network.heal();
  await group.done(replica.commit(createRun("two"), { key: "l", withinMs: 10_000 }));
  const { state } = await group.done(first.replica.read("linearizable", 10_000));
  assert.deepEqual([...state.runs.keys()].sort(), ["one", "two"]);
  await group.stop();
});
