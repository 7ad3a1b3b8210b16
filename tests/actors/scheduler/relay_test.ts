/** Two agents where none reaches both ends: who they are, and what is said of them. */

import assert from "node:assert/strict";
import { hostReachOf } from "../../../actors/scheduler/reach.ts";
import type { Candidate } from "../../../actors/scheduler/candidates.ts";
import { agentOf, Yard } from "./yard.ts";

const LINKS = { url: "wss://agent:4101" };
const DIALS = { url: null };

function reaching(agent: string, host: string, more: Partial<Candidate> = {}): Candidate {
  const reach = hostReachOf({ reach: { allow: [host], deny: [] } });
  return agentOf(agent, { reach, relay: DIALS, ...more });
}

const ENDS = { source: "sftp://dmz/in/x", destination: "https://lan/out/x" };

Deno.test("a source that one agent reaches and a destination that another one does take both", () => {
  const yard = new Yard([reaching("outer", "dmz", { relay: LINKS }), reaching("inner", "lan")]);
  yard.wait("x", ENDS);
  assert.deepEqual(yard.pass(), [{ jobId: "x", agent: "inner", reader: "outer" }]);
  assert.deepEqual([yard.leases("inner"), yard.leases("outer")], [1, 1]);
});

Deno.test("an agent that reaches both ends needs no other one, even if it has to be waited for", () => {
  const both = agentOf("both", { slots: 1 });
  const yard = new Yard([
    reaching("outer", "dmz", { relay: LINKS }),
    reaching("inner", "lan"),
    both,
  ]);
  yard.wait("x", ENDS);
  yard.wait("y", ENDS);
  assert.deepEqual(yard.pass(), [{ jobId: "x", agent: "both" }]);
  assert.equal(yard.explain("y")[0], "agent both is full: 1 of 1 slots");
  yard.agents([
    reaching("outer", "dmz", { relay: LINKS }),
    reaching("inner", "lan"),
    { ...both, status: "unhealthy" },
  ]);
  assert.deepEqual(yard.pass(), [{ jobId: "y", agent: "inner", reader: "outer" }]);
});

Deno.test("local files are read and written by the agents that hold their volumes", () => {
  const volume = (id: string, path: string) => [{ id, path, readOnly: false }];
  const yard = new Yard([
    agentOf("a", { volumes: volume("va", "/data"), relay: DIALS }),
    agentOf("b", { volumes: volume("vb", "/archive"), relay: LINKS }),
  ]);
  yard.wait("x", { source: "file:///data/x", destination: "file:///archive/x" });
  assert.deepEqual(yard.pass(), [{ jobId: "x", agent: "b", reader: "a" }]);
});

Deno.test("without a link between them it waits, and says what would help", () => {
  const yard = new Yard([reaching("outer", "dmz"), reaching("inner", "lan")]);
  yard.wait("x", ENDS);
  assert.deepEqual(yard.pass(), []);
  assert.deepEqual(yard.explain("x"), [
    "no agent may reach dmz and lan (their reach)",
    "outer could read it for inner, but none of them accepts links: give one of them a place to listen",
  ]);
  yard.agents([
    reaching("outer", "dmz", { relay: null }),
    reaching("inner", "lan", { relay: LINKS }),
  ]);
  assert.deepEqual(yard.pass(), [], "an agent of an earlier version knows no relays");
});

Deno.test("both need a free slot, and a pass counts what it has given away", () => {
  const yard = new Yard([
    reaching("outer", "dmz", { slots: 1, relay: LINKS }),
    reaching("inner", "lan", { slots: 5 }),
  ]);
  yard.wait("x", ENDS);
  yard.wait("y", ENDS);
  assert.equal(yard.pass().length, 1);
  assert.equal(
    yard.explain("y")[0],
    "it takes two agents; to read it: agent outer is full: 1 of 1 slots; " +
      "to write it: agent inner is there: 1 of 5 slots in use",
  );
});

Deno.test("names and tags are asked of both of them", () => {
  const yard = new Yard([
    reaching("outer", "dmz", { relay: LINKS }),
    reaching("other", "dmz", { relay: LINKS, tags: ["eu"] }),
    reaching("inner", "lan", { tags: ["eu"] }),
  ]);
  yard.wait("x", { ...ENDS, scheduling: { tags: ["eu"] } });
  assert.deepEqual(yard.pass(), [{ jobId: "x", agent: "inner", reader: "other" }]);
  yard.wait("y", { ...ENDS, scheduling: { avoid: { agents: ["outer", "other"], tags: [] } } });
  assert.deepEqual(yard.pass(), []);
});

Deno.test("a host that nobody may reach is left to an agent that says so", () => {
  const yard = new Yard([reaching("a", "dmz"), reaching("b", "lan")]);
  yard.wait("x", { source: "https://elsewhere/x", destination: "memory:///x" });
  assert.deepEqual(yard.pass(), [{ jobId: "x", agent: "a" }]);
  yard.wait("y", { source: "https://elsewhere/y", destination: "https://lan/y" });
  assert.deepEqual(yard.pass(), [{ jobId: "y", agent: "b" }]);
});
