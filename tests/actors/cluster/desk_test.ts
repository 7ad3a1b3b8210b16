import assert from "node:assert/strict";
import type { Principal, Query, WriteRequest } from "../../../actors/desk/messages.ts";
import { emptyPlan } from "../plans.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

const KEY = {
  id: "first",
  sha256: "a".repeat(64),
  scope: "admin" as const,
  tenants: null,
  label: "the first key",
  expiresMs: null,
};
const OTHER: Principal = { keyId: "other", scope: "operator", tenants: ["other"] };
const VIEWER: Principal = { keyId: "viewer", scope: "viewer", tenants: null };

function submit(runId: string): WriteRequest {
  return { type: "submit", runId, plan: emptyPlan() };
}

async function start() {
  const cluster = await SimulatedCluster.start({ bootstrapKeys: [KEY] });
  const gateway = await cluster.join("g1", ["gateway"]);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const desk = cluster.desk(gateway, follower.id);
  const write = (principal: Principal, key: string, request: WriteRequest) =>
    cluster.done(desk.ask("write", { key, principal, request }, { withinMs: 20_000 }));
  const run = (principal: Principal, runId: string, consistency: "linearizable" | "stale") =>
    cluster.done(desk.ask("read", { consistency, principal, query: { type: "run", runId } }));
  return { cluster, gateway, leader, follower, desk, write, run };
}

Deno.test("a write at a follower is committed once per key, and seen by a read at any controller", async () => {
  const { cluster, gateway, leader, write, run } = await start();
  const first = await write(ADMIN, "k1", submit("r1"));
  assert.ok(first.ok);
  assert.deepEqual(await write(ADMIN, "k1", submit("r1")), first);
  const other = await write(ADMIN, "k1", submit("r2"));
  assert.ok(!other.ok && other.code === "keyReused", JSON.stringify(other));
  const { found, appliedIndex } = await run(ADMIN, "r1", "linearizable");
  assert.ok(found.type === "run" && found.run.name === "test");
  assert.ok(appliedIndex >= first.index);
  const atLeader = await cluster.done(
    cluster.desk(gateway, leader.id).ask("read", {
      consistency: "linearizable",
      principal: ADMIN,
      query: { type: "runs", states: null, labels: [], after: null, limit: 10 },
    }),
  );
  assert.ok(atLeader.found.type === "runs");
  assert.deepEqual(atLeader.found.runs.map(({ id }) => id), ["r1"]);
  await cluster.stop();
});

Deno.test("a run that has left the state is shown by its id as before, and its jobs too", async () => {
  const limits = { archive: { archiveAfterMs: 2_000, archiveRestMs: 1_000 } };
  const cluster = await SimulatedCluster.start({ limits });
  const gateway = await cluster.join("g1", ["gateway"]);
  const { id, role } = await cluster.follower();
  const desk = cluster.desk(gateway, id);
  const write = (key: string, request: WriteRequest) =>
    cluster.done(desk.ask("write", { key, principal: ADMIN, request }, { withinMs: 20_000 }));
  const ask = async (query: Query, principal = ADMIN) => {
    const body = { consistency: "linearizable", principal, query } as const;
    return (await cluster.done(desk.ask("read", body))).found;
  };
  const jobs: Query = {
    ...{ type: "jobs", runId: "r1", states: null, labels: [] },
    ...{ after: null, limit: 10 },
  };
  await write("k1", submit("r1"));
  await write("k2", { type: "intendRun", runId: "r1", intent: "cancel", why: "asked" });
  const ended = () => role.replica.state.runs.get("r1")?.state === "cancelled";
  await cluster.until("it has ended", ended);
  const before = { run: await ask({ type: "run", runId: "r1" }), jobs: await ask(jobs) };
  await cluster.until("it is archived", () => role.replica.state.runs.size === 0);
  assert.deepEqual(await ask({ type: "run", runId: "r1" }), before.run);
  assert.deepEqual(await ask(jobs), before.jobs);
  assert.ok(before.jobs.type === "jobs" && before.jobs.jobs.length === 1);
  const [job] = before.jobs.jobs;
  assert.deepEqual(await ask({ type: "job", jobId: job!.id }), { type: "job", job });
  assert.equal((await ask({ type: "job", jobId: job!.id }, OTHER)).type, "none");
  await cluster.stop();
});

Deno.test("the id of an archived run is not given again; the request that began it is answered as before", async () => {
  const limits = { archive: { archiveAfterMs: 2_000, archiveRestMs: 1_000 } };
  const cluster = await SimulatedCluster.start({ limits });
  const gateway = await cluster.join("g1", ["gateway"]);
  const { id, role } = await cluster.follower();
  const write = (key: string, request: WriteRequest) => {
    const desk = cluster.desk(gateway, id);
    return cluster.done(
      desk.ask("write", { key, principal: ADMIN, request }, { withinMs: 20_000 }),
    );
  };
  const first = await write("k1", submit("r1"));
  assert.ok(first.ok);
  await write("k2", { type: "intendRun", runId: "r1", intent: "cancel", why: "asked" });
  const { state: { archive } } = role.replica;
  assert.equal(archive.count, 0);
  for (const rows of ["are in the state", "are on disk"]) {
    const isThere = () => {
      const { runs, archive: { count, open } } = role.replica.state;
      return runs.size === 0 && count === 1 && (rows === "are in the state" || open.size === 0);
    };
    await cluster.until(`its rows ${rows}`, isThere);
    const again = await write(`again, when they ${rows}`, submit("r1"));
    assert.ok(!again.ok && again.code === "conflict", JSON.stringify(again));
    assert.match(again.message, /run r1 exists: it has ended/);
    assert.deepEqual(await write("k1", submit("r1")), first);
  }
  assert.equal(role.replica.state.runs.size, 0);
  assert.ok((await write("k3", submit("r2"))).ok);
  await cluster.stop();
});

Deno.test("who may not do a thing is told so, and other tenants' things are not there", async () => {
  const { cluster, write, run } = await start();
  const submitted = await write(ADMIN, "k1", submit("r1"));
  assert.ok(submitted.ok);
  const codes = [
    await write(VIEWER, "k2", submit("r2")),
    await write(OTHER, "k3", submit("r3")),
    await write(OTHER, "k4", { type: "intendRun", runId: "r1", intent: "cancel", why: "no" }),
    await write(OTHER, "k5", { type: "drainAgent", agentId: "a", why: "", untilMs: null }),
    await write(ADMIN, "k6", { type: "drainAgent", agentId: "a", why: "", untilMs: null }),
  ].map((written) => written.ok ? "ok" : written.code);
  assert.deepEqual(codes, ["forbidden", "forbidden", "notFound", "forbidden", "notFound"]);
  const { found } = await run(OTHER, "r1", "stale");
  assert.ok(found.type === "none" && found.code === "notFound");
  await cluster.stop();
});

Deno.test("the first key is there from the start, a revoked one is nobody's", async () => {
  const { cluster, desk, write } = await start();
  const who = () => cluster.done(desk.ask("authenticate", { sha256: KEY.sha256 }));
  assert.deepEqual(await who(), { keyId: "first", scope: "admin", tenants: null });
  assert.ok((await write(ADMIN, "k1", { type: "revokeKey", id: "first" })).ok);
  await cluster.world.pass(200);
  assert.equal(await who(), null);
  await cluster.stop();
});

Deno.test("a controller without a quorum refuses writes, and answers stale reads with their age", async () => {
  const { cluster, follower, write, run } = await start();
  assert.ok((await write(ADMIN, "k1", submit("r1"))).ok);
  await cluster.world.pass(500);
  for (const { id } of cluster.living) if (id !== follower.id) cluster.crash(id);
  await cluster.world.pass(2_000);
  const refused = await write(ADMIN, "k2", submit("r2"));
  assert.ok(!refused.ok && refused.code === "noQuorum", JSON.stringify(refused));
  assert.ok(refused.retryAfterMs !== undefined);
  const fresh = await run(ADMIN, "r1", "linearizable");
  assert.ok(fresh.found.type === "none" && fresh.found.code === "noQuorum");
  const stale = await run(ADMIN, "r1", "stale");
  assert.ok(stale.found.type === "run" && stale.appliedAtMs > 0);
  await cluster.stop();
});

Deno.test("events have the same ids on every controller, and wait for news", async () => {
  const { cluster, gateway, leader, follower, write } = await start();
  const events = (controller: string, after: string | null) =>
    cluster.done(cluster.desk(gateway, controller).ask("events", { after, limit: 100 }));
  const { last } = await events(follower.id, null);
  const waiting = cluster.desk(gateway, follower.id).ask("events", { after: last, limit: 100 });
  assert.ok((await write(ADMIN, "k1", submit("r1"))).ok);
  const here = await cluster.done(waiting);
  const there = await events(leader.id, last);
  const ids = ({ events }: typeof here) =>
    events.map((event) => event.type === "progress" ? "" : `${event.type} ${event.id}`);
  assert.ok(ids(here).length > 0);
  assert.deepEqual(ids(there).slice(0, ids(here).length), ids(here));
  assert.equal(here.missed, false);
  await cluster.stop();
});

Deno.test("a node with another role is not let in at the desk", async () => {
  const { cluster, follower } = await start();
  const agent = await cluster.join("a1", ["agent"]);
  const refused = cluster.desk(agent, follower.id).ask("authenticate", { sha256: "x" });
  await assert.rejects(cluster.done(refused), { code: "NotAdmitted" });
  await cluster.stop();
});
