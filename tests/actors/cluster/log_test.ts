/** From a request to the pipeline: everything that is logged of a run names the request that submitted it. */

import assert from "node:assert/strict";
import { groupPlan } from "../plans.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const ORIGIN = { requestId: "req-1", traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

interface Line {
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

Deno.test("a run, its assignments and its attempts are logged with their request, trace and lease", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.agent("a1");
  const gateway = await cluster.join("g1", ["gateway"]);
  const leader = await cluster.leader();
  const lines = new Map<string, Line[]>([["c", []], ["a", []]]);
  for (const [name, { env }] of [["c", leader], ["a", agent]] as const) {
    const { log } = env;
    const write = log.write;
    log.write = (level, message, facts = {}) => {
      lines.get(name)!.push({ message, facts });
      write(level, message, facts);
    };
  }
  cluster.store.put("/from", new Uint8Array(5_000).fill(7));
  const plan = groupPlan([{
    name: "one",
    source: { uri: "memory:///from" },
    destination: { uri: "memory:///to" },
  }]);
  const request = { type: "submit", runId: "r1", plan } as const;
  const body = { key: "k1", principal: ADMIN, request, origin: ORIGIN };
  await cluster.done(cluster.desk(gateway, leader.id).ask("write", body));
  const { replica } = leader.role;
  await cluster.until("it ends", () => replica.state.runs.get("r1")?.state === "succeeded");
  await cluster.world.pass(100);
  const of = (name: string, message: string) => {
    const found = lines.get(name)!.filter((line) => line.message === message);
    assert.equal(found.length, 1, `${name}: ${message}`);
    const { requestId, traceId } = found[0]!.facts;
    assert.deepEqual({ requestId, traceId }, { requestId: "req-1", traceId: TRACE }, message);
    return found[0]!.facts;
  };
  of("c", "a write was answered");
  assert.equal(of("c", "a run is taken up")["tenant"], "acme");
  assert.equal(of("c", "an assignment is proposed")["agent"], "a1");
  const begins = of("a", "an attempt begins");
  const { lease } = replica.state.jobs.get("r1-1")!;
  const { job, run, tenant } = begins;
  assert.deepEqual({ job, run, tenant }, { job: "r1-1", run: "r1", tenant: "acme" });
  assert.equal(typeof begins["lease"], "number");
  assert.equal(lease, null, "the job is over");
  const ends = of("a", "an attempt has ended");
  assert.deepEqual([ends["how"], ends["fetchedBytes"]], ["succeed", 5_000]);
  assert.equal(of("c", "a run has ended")["outcome"], "succeeded");
  assert.deepEqual(replica.state.runs.get("r1")?.origin, ORIGIN);
  assert.equal(replica.state.jobs.get("r1-1")?.origin, undefined, "kept once, with the run");
  await cluster.stop();
});
