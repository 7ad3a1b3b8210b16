/** Who is given which job. */

import assert from "node:assert/strict";
import { agentOf, type Wish, Yard } from "./yard.ts";

/** Who got what, as `job>agent`. */
function passed(yard: Yard): string {
  return yard.pass().map(({ jobId, agent }) => `${jobId}>${agent}`).join(" ");
}

function waiting(yard: Yard, wishes: Readonly<Record<string, Wish>>): void {
  for (const [jobId, wish] of Object.entries(wishes)) yard.wait(jobId, wish);
}

Deno.test("who has waited longest goes first, in the order of the plan where times are equal", () => {
  const yard = new Yard([agentOf("a", { slots: 3 })]);
  waiting(yard, { "run-10": {}, "run-9": {}, late: { sinceMs: 5 }, early: { sinceMs: -1 } });
  assert.equal(passed(yard), "early>a run-9>a run-10>a");
});

Deno.test("the more urgent goes first, and one that waits rises by a class each minute", () => {
  const yard = new Yard([agentOf("a")], { overdueMs: Infinity });
  waiting(yard, {
    low: { scheduling: { priority: "low" } },
    medium: {},
    high: { scheduling: { priority: "high" } },
    critical: { scheduling: { priority: "critical" } },
  });
  assert.equal(passed(yard), "critical>a");
  yard.end("critical");
  assert.equal(passed(yard), "high>a");
  yard.end("high");
  yard.nowMs = 119_999;
  yard.wait("urgent", { scheduling: { priority: "high" } });
  assert.equal(passed(yard), "medium>a");
  yard.end("medium");
  yard.nowMs = 120_000;
  assert.equal(passed(yard), "low>a", "after two minutes it is high too, and older");
});

Deno.test("a tenant's ceiling bounds what its jobs may ask for", () => {
  const yard = new Yard([agentOf("a")]);
  yard.settings.set("loud", { ceiling: 0 });
  waiting(yard, {
    x: { tenant: "loud", scheduling: { priority: "critical" } },
    y: { tenant: "quiet", sinceMs: 1 },
  });
  assert.equal(passed(yard), "y>a");
});

Deno.test("only agents that speak both schemes take a job", () => {
  const yard = new Yard([
    agentOf("http", { protocols: ["https"] }),
    agentOf("both", { protocols: ["https", "sftp"], slots: 5 }),
  ]);
  yard.wait("x", { source: "https://h/x", destination: "sftp://h/x" });
  yard.wait("y", { source: "HTTPS://h/x", destination: "https://h/x" });
  yard.wait("z", { source: "ftp://h/x", destination: "sftp://h/x" });
  assert.equal(passed(yard), "x>both y>http");
});

Deno.test("a local file is taken by agents whose volume holds its path, by whole segments", () => {
  const volume = (id: string, path: string, readOnly = false) => [{ id, path, readOnly }];
  const yard = new Yard([
    agentOf("a", { volumes: volume("v1", "/data/a") }),
    agentOf("b", { volumes: volume("v2", "/data/b", true) }),
    agentOf("c", { volumes: [...volume("v1", "/data/c/"), ...volume("v3", "/data/c/deep")] }),
    agentOf("d", { volumes: [] }),
  ]);
  const to = (path: string) => ({ destination: `file://${path}` });
  yard.wait("elsewhere", to("/data/ab/x"));
  yard.wait("itself", to("/data/a"));
  yard.wait("read-only", to("/data/b/x"));
  assert.equal(passed(yard), "");
  yard.wait("read", { source: "file:///data/b/x" });
  assert.equal(passed(yard), "read>b");
  yard.wait("declared", { ...to("/data/c/deep/x"), scheduling: { destinationVolume: "v1" } });
  yard.wait("escaping", to("/data/a/../e/x"));
  assert.equal(passed(yard), "", "the volume below hides the one above");
  yard.wait("below", { ...to("/data/c/deep/x"), scheduling: { destinationVolume: "v3" } });
  yard.wait("spaced", to("/data/a/with%20space/x"));
  assert.equal(passed(yard), "below>c spaced>a");
});

Deno.test("a job that ran stays on the volumes that it used, at whichever agent has them", () => {
  const on = (id: string) => ({ volumes: [{ id, path: "/data", readOnly: false }] });
  const yard = new Yard([agentOf("a", on("v1")), agentOf("b", on("v2"))]);
  const volumes = { source: null, destination: "v2" };
  yard.wait("x", { destination: "file:///data/x", volumes });
  assert.equal(passed(yard), "x>b");
});

Deno.test("names and tags say who may take a job, and who never may", () => {
  const yard = new Yard([
    agentOf("a", { tags: ["ssd"] }),
    agentOf("b", { tags: ["ssd", "metered"] }),
    agentOf("c", {}),
  ]);
  const only = (scheduling: Wish["scheduling"]): Wish => ({ scheduling: scheduling! });
  yard.wait("tagged", only({ tags: ["ssd", "fast"] }));
  yard.wait("named", only({ agents: ["nobody"] }));
  yard.wait("avoiding", only({ tags: ["ssd"], avoid: { agents: ["a"], tags: ["metered"] } }));
  assert.equal(passed(yard), "");
  yard.wait("d", only({ tags: ["metered"] }));
  yard.wait("e", only({ agents: ["c", "b"] }));
  yard.wait("f", only({ avoid: { agents: ["c"], tags: [] } }));
  assert.equal(passed(yard), "d>b e>c f>a");
});

Deno.test("the closest agent is taken, then the least loaded one", () => {
  const place = (datacenter: string, zone: string) => ({ datacenter, zone, region: "eu" });
  const yard = new Yard([
    agentOf("far", { slots: 9 }),
    agentOf("same-region", { slots: 9, location: place("x", "x") }),
    agentOf("same-zone", { slots: 9, location: place("x", "z1") }),
    agentOf("same-dc", { slots: 2, location: place("d1", "z1"), cpuPercent: 99 }),
  ]);
  const near = [{ ...place("d1", "z1"), tags: [] }];
  for (const job of ["a", "b", "c"]) yard.wait(job, { scheduling: { near } });
  assert.equal(passed(yard), "a>same-dc b>same-dc c>same-zone");
});

Deno.test("heartbeats rank agents: a busy one is taken last, and never left out", () => {
  const yard = new Yard([
    agentOf("exhausted", { slots: 4, availableCapacity: 0 }),
    agentOf("hot", { slots: 4, cpuPercent: 95 }),
    agentOf("cool", { slots: 2, cpuPercent: 5 }),
  ]);
  for (let n = 0; n < 10; n++) yard.wait(`j${n}`);
  const taken = yard.pass().map(({ agent }) => agent);
  assert.deepEqual(taken.slice(0, 2), ["cool", "cool"]);
  assert.equal(taken.length, 10);
});

Deno.test("jobs of a run go together or apart where they ask for it", () => {
  const agents = ["a", "b", "c"].map((name) => agentOf(name, { slots: 2 }));
  const yard = new Yard(agents);
  yard.wait("first", { runId: "one", scheduling: { agents: ["b"] } });
  yard.pass();
  yard.wait("with", { runId: "one", scheduling: { run: "together" } });
  assert.equal(passed(yard), "with>b");
  const spread = new Yard(agents);
  spread.wait("first", { runId: "one" });
  spread.pass();
  spread.wait("next", { runId: "one", scheduling: { run: "apart" } });
  assert.equal(passed(spread), "next>b");
});

Deno.test("suspected and draining agents get nothing", () => {
  const yard = new Yard([
    agentOf("suspect", { isSuspect: true }),
    agentOf("draining", { status: "draining" }),
    agentOf("failed", { status: "failed" }),
  ]);
  yard.wait("x");
  assert.equal(passed(yard), "");
  yard.agents([agentOf("suspect")]);
  assert.equal(passed(yard), "x>suspect");
});

Deno.test("a host has no more transfers than its cap, and other hosts go on", () => {
  const yard = new Yard([agentOf("a", { slots: 9 })]);
  yard.hostMost = 2;
  for (let n = 0; n < 4; n++) yard.wait(`from-${n}`, { source: "https://user@DB1:8443/x" });
  for (let n = 0; n < 3; n++) yard.wait(`to-${n}`, { destination: "https://db1:8443/x" });
  assert.equal(passed(yard), "to-0>a to-1>a from-0>a from-1>a");
  yard.end("from-1");
  assert.equal(passed(yard), "from-2>a");
});

Deno.test("a tenant runs no more than it may, and the others take what is left", () => {
  const yard = new Yard([agentOf("a", { slots: 4 })]);
  yard.settings.set("acme", { maxRunning: 1 });
  for (let n = 0; n < 3; n++) yard.wait(`a${n}`, { tenant: "acme" });
  for (let n = 0; n < 3; n++) yard.wait(`b${n}`, { tenant: "other", sinceMs: 9 });
  assert.equal(passed(yard), "a0>a b0>a b1>a b2>a");
});

Deno.test("slots are shared by weight, and a tenant that moved much goes behind", () => {
  const yard = new Yard([agentOf("a", { slots: 8 })]);
  yard.settings.set("heavy", { weight: 3 });
  for (let n = 0; n < 8; n++) yard.wait(`h${n}`, { tenant: "heavy" });
  for (let n = 0; n < 8; n++) yard.wait(`l${n}`, { tenant: "light" });
  const got = yard.pass().filter(({ jobId }) => jobId.startsWith("h")).length;
  assert.equal(got, 6);
  const bytes = new Yard([agentOf("a", { slots: 4 })]);
  bytes.usage.add("moved", 1_000, 0);
  bytes.usage.add("idle", 1, 0);
  for (let n = 0; n < 4; n++) bytes.wait(`m${n}`, { tenant: "moved" });
  for (let n = 0; n < 4; n++) bytes.wait(`i${n}`, { tenant: "idle" });
  assert.equal(passed(bytes), "i0>a i1>a i2>a i3>a");
});

Deno.test("what has been moved counts half after each half-life", () => {
  const yard = new Yard([agentOf("a")]);
  yard.usage.add("t", 800, 0);
  yard.usage.add("t", 100, 600_000);
  assert.equal(Math.round(yard.usage.at(600_000).get("t")!), 500);
  assert.equal(Math.round(yard.usage.at(1_200_000).get("t")!), 250);
  assert.equal(yard.usage.at(60_000_000).size, 0);
});

Deno.test("a retry waits for its time, and says when the scheduler has to look again", () => {
  const yard = new Yard([agentOf("a", { slots: 2 })]);
  yard.wait("x", { notBeforeMs: 5_000 });
  yard.wait("y", { notBeforeMs: 9_000 });
  assert.deepEqual(yard.decide(), { assignments: [], overdueServed: [], wakeAtMs: 5_000 });
  yard.nowMs = 5_000;
  assert.equal(passed(yard), "x>a");
  assert.equal(yard.decide().wakeAtMs, 9_000);
  yard.queue.remove("y");
  assert.equal(yard.decide().wakeAtMs, null);
});

Deno.test("a proposal has a bound, and the next one takes the rest", () => {
  const yard = new Yard([agentOf("a", { slots: 9 })], { assignments: 2 });
  for (const job of ["x", "y", "z"]) yard.wait(job);
  assert.equal(passed(yard), "x>a y>a");
  assert.equal(passed(yard), "z>a");
});
