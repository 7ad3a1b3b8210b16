/** Members come and go, and every node is restarted, under a load that notices nothing but repetitions. */

import assert from "node:assert/strict";
import type { QuorusClient } from "../../../client.ts";
import { type ClusterUnderTest, withCluster } from "./cluster_processes.ts";
import { type LoadCounts, SteadyLoad } from "./steady_load.ts";

const SHAPE = { controllers: 3, agents: 2, gateways: 2 };
const ENDED_WITHIN_MS = 120_000;

async function underLoad(
  { cwd, nodes }: ClusterUnderTest,
  work: (client: QuorusClient) => Promise<void>,
): Promise<LoadCounts> {
  const gateways = (await nodes()).filter(({ role }) => role === "gateway");
  const urls = gateways.map(({ place }) => `http://${place}`);
  const key = Deno.readTextFileSync(`${cwd}/.quorus/cluster/admin.key`).trim();
  const load = new SteadyLoad(urls, key, cwd);
  try {
    await work(load.client);
  } finally {
    await load.stop();
  }
  const counts = load.counts();
  await allSucceeded(load.client, counts.runs);
  return counts;
}

/** What was accepted has ended, and well. */
async function allSucceeded(client: QuorusClient, runs: readonly string[]): Promise<void> {
  const endMs = Date.now() + ENDED_WITHIN_MS;
  for (const id of runs) {
    for (;;) {
      const { state, why } = await client.runs.get(id);
      if (state === "succeeded") break;
      assert.equal(state, "running", `${id}: ${why}`);
      assert.ok(Date.now() < endMs, `${id} has not ended: ${why}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function tell(what: string, { calls, tries, failures, longestMs, runs }: LoadCounts): void {
  const repeated = tries - calls;
  console.log(
    `${what}: ${calls} requests (${runs.length} submissions, all succeeded), ${repeated} repeated ` +
      `tries, ${failures.length} failures, the longest took ${longestMs} ms`,
  );
  assert.deepEqual(failures.slice(0, 5), []);
}

Deno.test("a fourth controller joins, one is replaced, one removed, and no request fails", () =>
  withCluster(SHAPE, async (under) => {
    const { cluster } = under;
    const done = async (...verb: string[]) => {
      const ran = await cluster(...verb);
      assert.equal(ran.code, 0, `${verb.join(" ")}: ${ran.err}`);
    };
    const counts = await underLoad(under, async (client) => {
      await done("new", "c4", "--role", "controller");
      await done("add", "c4");
      await done("transfer", "c4");
      await done("new", "c5", "--role", "controller");
      const refused = await cluster("transfer", "c5");
      assert.equal(refused.code, 2, refused.err);
      await done("replace", "c1", "c5");
      await done("kill", "c1");
      await done("maintenance", "c2", "on");
      await done("remove", "c4");
      const { controllers, leader } = await client.cluster.get();
      assert.deepEqual(controllers.map(({ node }) => node), ["c2", "c3", "c5"]);
      assert.notEqual(leader, "c2", "it is in maintenance");
    });
    tell("membership", counts);
  }));

Deno.test("every node is restarted, one after the other, and no request fails", () =>
  withCluster(SHAPE, async (under) => {
    const counts = await underLoad(under, async () => {
      const ran = await under.cluster("restart", "--all", "-o", "json");
      assert.equal(ran.code, 0, ran.err);
      const { restarted } = JSON.parse(ran.out);
      const ids = restarted.map(({ node }: { node: string }) => node);
      assert.deepEqual([...ids].sort(), ["a1", "a2", "c1", "c2", "c3", "g1", "g2"]);
      console.log(restarted.map((one: Record<string, unknown>) => JSON.stringify(one)).join("\n"));
    });
    tell("rolling restart", counts);
  }));
