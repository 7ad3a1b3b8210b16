import assert from "node:assert/strict";
import { agentLines } from "../../cli/remote/tree.ts";

const AGENT = {
  id: "a1",
  status: "working",
  why: "",
  registration: {
    agentId: "a1",
    hostname: "h",
    version: "1.0.0",
    capabilities: { protocols: ["file"], maxConcurrentTransfers: 8 },
    location: { datacenter: null, zone: null, region: null, tags: [] },
  },
  leases: 3,
  registeredMs: 0,
  changedMs: 0,
};

function workers(all: unknown) {
  return { timestampMs: 0, status: "working", workers: all };
}

Deno.test("an agent is shown with what runs on which of its Workers", () => {
  const heartbeat = workers([
    { node: "a1.w1", isUp: true, transfers: 2, restarts: 0 },
    { node: "a1.w2", isUp: false, transfers: 0, restarts: 1 },
  ]);
  assert.deepEqual(agentLines([{ ...AGENT, heartbeat }]), [
    "quorus://a1/agent  (working, 3 leases)",
    "  quorus://a1.w1/attempts  (2 transfers)",
    "  quorus://a1.w2/attempts  (down, 1 restarts)",
  ]);
});

Deno.test("an agent without Workers, or of which nothing was heard, is shown as it is", () => {
  const line = ["quorus://a1/agent  (working, 3 leases)"];
  assert.deepEqual(agentLines([{ ...AGENT, heartbeat: null }]), line);
  assert.deepEqual(agentLines([{ ...AGENT, heartbeat: workers("nonsense") }]), line);
});
