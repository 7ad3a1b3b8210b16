/** Why a job waits, as people read it. */

import assert from "node:assert/strict";
import { agentOf, Yard } from "./yard.ts";

Deno.test("a job that no agent can take says what they lack", () => {
  const yard = new Yard([
    agentOf("a", { protocols: ["https", "file"], volumes: [] }),
    agentOf("b", { protocols: ["https", "file"], volumes: [], tags: ["old"] }),
  ]);
  yard.wait("sftp", { source: "sftp://h/x", destination: "https://h/x" });
  assert.deepEqual(yard.explain("sftp"), ["no agent speaks sftp and https"]);
  yard.wait("local", { source: "https://h/x", destination: "file:///data/in/x" });
  assert.deepEqual(yard.explain("local"), [
    "no agent has a volume with /data/in that can be written",
  ]);
  const https = { source: "https://h/x", destination: "https://h/x" };
  yard.wait("tagged", { ...https, scheduling: { tags: ["ssd", "eu"] } });
  assert.deepEqual(yard.explain("tagged"), ["no agent has the tags ssd, eu"]);
  yard.wait("named", { ...https, scheduling: { agents: ["x", "y"] } });
  assert.deepEqual(yard.explain("named"), ["no agent is named x or y"]);
  yard.wait("mixed", {
    ...https,
    scheduling: { agents: ["a", "b"], avoid: { agents: ["a"], tags: ["old"] } },
  });
  assert.deepEqual(yard.explain("mixed"), ["no agent is left that is not to be avoided"]);
  yard.agents([agentOf("a", { protocols: ["sftp"] }), agentOf("b", { protocols: ["https"] })]);
  yard.wait("both", { ...https, scheduling: { tags: ["ssd"] } });
  assert.deepEqual(yard.explain("both"), [
    "no agent can take it: none of a speaks https; none of b has the tags ssd",
  ]);
  yard.agents([]);
  assert.deepEqual(yard.explain("both"), ["no agent has registered"]);
});

Deno.test("a job whose agents are full, suspected or draining says so by name", () => {
  const yard = new Yard([
    agentOf("a1", { slots: 1 }),
    agentOf("a2", { slots: 2 }),
    agentOf("a3", { isSuspect: true }),
    agentOf("a4", { status: "draining" }),
  ]);
  for (const job of ["x", "y", "z"]) yard.wait(job);
  yard.pass();
  yard.wait("late");
  assert.equal(
    yard.explain("late")[0],
    "agents a1, a2 are full: 3 of 3 slots; agent a3 is suspected: its heartbeats are late; " +
      "agent a4 is draining",
  );
});

Deno.test("a busy host and a tenant at its bound are named with their numbers", () => {
  const yard = new Yard([agentOf("a", { slots: 9 })]);
  yard.hostMost = 1;
  yard.settings.set("acme", { maxRunning: 2 });
  yard.wait("x", { source: "https://db1/x" });
  yard.wait("y", { destination: "https://db2/x" });
  yard.pass();
  yard.wait("z", { source: "https://db1/z", destination: "https://db2/z" });
  assert.deepEqual(yard.explain("z").slice(0, 3), [
    "host db1 has 1 of 1 transfers from it",
    "host db2 has 1 of 1 transfers to it",
    "tenant acme runs 2 of 2 transfers",
  ]);
});

Deno.test("a retry says when, and a queue who goes before", () => {
  const yard = new Yard([agentOf("a")]);
  yard.wait("first", { tenant: "idle" });
  yard.pass();
  yard.wait("retry", { notBeforeMs: 43_205_000 });
  assert.deepEqual(yard.explain("retry"), ["retry at 12:00:05 UTC"]);
  yard.wait("urgent", { tenant: "idle", scheduling: { priority: "critical" } });
  yard.wait("older");
  yard.nowMs = 61_000;
  yard.wait("low", { scheduling: { priority: "low" }, sinceMs: 1_000 });
  yard.usage.add("acme", 1_000, 0);
  assert.deepEqual(yard.explain("low"), [
    "agent a is full: 1 of 1 slots",
    "priority low, risen to medium; it waits for 60 s",
    "2 waiting jobs are more urgent",
  ]);
  yard.end("first");
  yard.usage.add("idle", 1, 0);
  assert.equal(
    yard.explain("older").at(-1),
    "tenant acme has its share: 0 of 1 slots, others that have used less wait",
  );
});
