/** `quorus cluster` at a gateway, with controllers that say what the tests want. */

import assert from "node:assert/strict";
import type { ClusterView } from "../../actors/desk/messages.ts";
import { holds } from "../../cli/cluster/changes.ts";
import { inFolder } from "./folder.ts";
import { quorus, type Ran } from "./memory_process.ts";
import { ADMIN, type PaperCluster, withGateway } from "./remote_rig.ts";

const DAY_MS = 86_400_000;

function controller(node: string, more: Partial<ClusterView["controllers"][number]> = {}) {
  return {
    ...{ node, role: "voter", witness: false, maintenance: false },
    ...{ lagEntries: 0, lagMs: 12, status: "up", certificateUntilMs: null },
    ...more,
  };
}

function archive(warning: string | null): ClusterView["archives"][string] {
  const checked = { verifiedMs: null, verified: 7, damaged: 0, lastDamagedMs: null };
  return { segments: 3, missing: 0, ...checked, warning };
}

function clusterView(more: Partial<ClusterView> = {}): ClusterView {
  return {
    ...{ node: "c2", leader: "c1", term: 5, appliedIndex: 70, appliedAtMs: 0, degraded: false },
    controllers: [
      controller("c1", { role: "leader", certificateUntilMs: Date.now() + 3.5 * DAY_MS }),
      controller("c2", { maintenance: true }),
      controller("c3", { role: "learner", lagEntries: 120 }),
    ],
    gateways: [{ node: "g1", status: "up", certificateUntilMs: null }],
    archives: {
      c1: archive(null),
      c2: archive("1 segments were damaged so far: look at its disk"),
    },
    certificatesEnding: {},
    agents: { idle: 2, working: 1 },
    jobs: {},
    runs: {},
    ...more,
  };
}

/** `quorus cluster VERB` at that gateway, in an empty folder. */
function withMembers(
  work: (
    cluster: PaperCluster,
    run: (...args: string[]) => Promise<Ran>,
  ) => Promise<void>,
): Promise<void> {
  return inFolder((cwd) =>
    withGateway(async (cluster, url) => {
      cluster.cluster = clusterView();
      const env = { QUORUS_SERVER: url, QUORUS_API_KEY: ADMIN };
      await work(cluster, (...args) => quorus(["cluster", ...args], { cwd, env }));
    })
  );
}

Deno.test("status shows who leads, how far the others are, and what ends soon", () =>
  withMembers(async (_, run) => {
    const { code, out } = await run("status");
    assert.equal(code, 0);
    assert.match(out, /^c1 leads in term 5; 70 commands \(as c2 has it\)\n/);
    assert.match(out, /\nc1 +leader +0 +- +up +3 days\n/);
    assert.match(out, /\nc2 +voter, maintenance +0 +12 ms ago +up +-\n/);
    assert.match(out, /\nc3 +learner +120 /);
    assert.match(out, /\nwarning: the archive of c2: 1 segments were damaged so far/);
    assert.doesNotMatch(out, /the archive of c1/);
    assert.match(out, /\nagents: 2 idle, 1 working\n/);
    assert.match(out, /warning: the certificate that c1 has shown ends at/);
    const json = JSON.parse((await run("status", "-o", "json")).out);
    assert.equal(json.controllers.length, 3);
  }));

Deno.test("a change that is refused says the leader's reason and ends with 3", () =>
  withMembers(async (cluster, run) => {
    cluster.judge = () => ({
      refused: { code: "wouldLoseQuorum", message: "without c3 2 of 2 voters are needed" },
      lines: [],
    });
    for (const extra of [[], ["--dry-run"]]) {
      const ran = await run("remove", "c3", ...extra);
      assert.equal(ran.code, 3);
      assert.equal(
        ran.err,
        "quorus: cannot remove c3: without c3 2 of 2 voters are needed (wouldLoseQuorum)\n",
      );
    }
    assert.deepEqual(cluster.writes, []);
    cluster.judge = () => ({ refused: { code: "notFound", message: "c9 is none" }, lines: [] });
    assert.equal((await run("promote", "c9")).code, 2);
  }));

Deno.test("a dry run says what a change would come to, and does nothing", () =>
  withMembers(async (cluster, run) => {
    const ran = await run("replace", "c1", "c4", "--dry-run");
    assert.deepEqual([ran.code, ran.out, ran.err], [
      0,
      "replace c1 by c4: possible\n",
      "it may be\n",
    ]);
    assert.deepEqual(cluster.writes, []);
  }));

Deno.test("add makes a learner and lets it vote; --learner stops before, --no-wait after the first", () =>
  withMembers(async (cluster, run) => {
    const types = () => cluster.writes.splice(0).map(({ type }) => type);
    const whole = await run("add", "c4");
    assert.equal(whole.code, 0, whole.err);
    assert.equal(whole.out, "add c4: done\npromote c4: done\n");
    assert.deepEqual(types(), ["addController", "promoteController"]);
    assert.equal((await run("add", "c4", "--learner")).out, "add c4: done\n");
    assert.deepEqual(types(), ["addController"]);
    assert.match((await run("add", "c4", "--no-wait")).out, /^add c4: has begun, operation op-/);
    assert.deepEqual(types(), ["addController"]);
  }));

Deno.test("drain takes an agent's jobs away and a controller's leadership", () =>
  withMembers(async (cluster, run) => {
    assert.equal((await run("drain", "a1", "--why", "new disks")).code, 0);
    assert.equal((await run("drain", "c2")).code, 0);
    assert.equal((await run("resume", "c2")).code, 0);
    assert.deepEqual(cluster.writes, [
      { type: "drainAgent", agentId: "a1", why: "new disks", untilMs: null },
      { type: "setMaintenance", node: "c2", on: true },
      { type: "setMaintenance", node: "c2", on: false },
    ]);
  }));

Deno.test("which cluster is meant: the server, the folder, the environment, the usual folder", () =>
  inFolder((cwd) =>
    withGateway(async (cluster, url) => {
      cluster.cluster = clusterView();
      const env = { QUORUS_SERVER: url, QUORUS_API_KEY: ADMIN };
      const status = (args: string[], given: Record<string, string>) =>
        quorus(["cluster", "status", ...args], { cwd, env: given });
      assert.equal((await status([], env)).code, 0);
      assert.equal((await status(["--server", url, "--key", ADMIN], {})).code, 0);
      const local = await status([], {});
      assert.deepEqual([local.code, /\.quorus\/cluster: start one/.test(local.err)], [2, true]);
      const named = await status(["--dir", "elsewhere"], env);
      assert.match(named.err, /there is no cluster in .*elsewhere/);
      const both = await status(["--dir", "here", "--server", url], env);
      assert.match(both.err, /cannot use --server and --dir at once/);
    })
  ));

Deno.test("an operation that no gateway knows any more is judged by what became of the cluster", () => {
  const cluster = clusterView() as unknown as Parameters<typeof holds>[0];
  assert.ok(holds(cluster, { do: "remove", node: "c9" }));
  assert.ok(!holds(cluster, { do: "promote", node: "c3" }));
  assert.ok(holds(cluster, { do: "replace", node: "c9", by: "c2" }));
  assert.ok(!holds(cluster, { do: "replace", node: "c1", by: "c2" }));
  assert.ok(holds(cluster, { do: "maintenance", node: "c2", on: true }));
  assert.ok(!holds(cluster, { do: "transfer", to: "c2" }));
});
