/** `quorus cluster up`: real processes, each with the least permissions of its role. */

import assert from "node:assert/strict";
import { inFolder } from "../../cli/folder.ts";
import { isAlive, quorusProcess, withCluster } from "./cluster_processes.ts";

const SMALL = { controllers: 3, agents: 1, gateways: 1 };

Deno.test("up starts every role, and it serves; down ends every process", () =>
  withCluster(SMALL, async ({ cluster, nodes, get }) => {
    const rows = await nodes();
    assert.deepEqual(rows.map(({ node, state }) => `${node} ${state}`), [
      "c1 ready",
      "c2 ready",
      "c3 ready",
      "a1 ready",
      "g1 ready",
    ]);
    const { status, body } = await get("/v1/cluster");
    assert.equal(status, 200);
    assert.ok(["c1", "c2", "c3"].includes(String(body["leader"])));
    assert.deepEqual(body["agents"], { idle: 1 });
    const down = await cluster("down");
    assert.equal(down.code, 0, down.err);
    assert.match(down.out, /^g1 stopped\na1 stopped\n(c\d stopped\n){3}$/);
    for (const { pid } of rows) assert.ok(!isAlive(pid!), `${pid} has ended`);
    assert.equal((await cluster("status")).code, 1);
  }));

Deno.test("a controller that is killed is missed by nobody, and comes back", () =>
  withCluster(SMALL, async ({ cluster, nodes, get }) => {
    const leader = String((await get("/v1/cluster")).body["leader"]);
    assert.equal((await cluster("kill", leader)).code, 0);
    assert.equal((await nodes()).find(({ node }) => node === leader)?.state, "stopped");
    const again = await cluster("kill", leader);
    assert.equal(again.code, 1);
    assert.match(again.err, new RegExp(`${leader} does not run`));
    const { status, body } = await get("/v1/cluster");
    assert.equal(status, 200);
    assert.notEqual(body["leader"], leader);
    const restart = await cluster("restart", leader);
    assert.equal(restart.code, 0, restart.err);
    assert.ok((await nodes()).every(({ state }) => state === "ready"));
  }));

Deno.test("what runs is not started twice, and comes up again with its state after down", () =>
  withCluster({ controllers: 1, agents: 1, gateways: 1 }, async ({ cluster, get }) => {
    const counts = ["--controllers", "1", "--agents", "1"];
    const twice = await cluster("up", ...counts);
    assert.equal(twice.code, 3);
    assert.match(twice.err, /c1, a1, g1 run already/);
    const before = Number((await get("/v1/cluster")).body["appliedIndex"]);
    assert.equal((await cluster("down")).code, 0);
    const other = await cluster("up", "--controllers", "2");
    assert.equal(other.code, 2);
    const again = await cluster("up", ...counts);
    assert.equal(again.code, 0, again.err);
    assert.ok(Number((await get("/v1/cluster")).body["appliedIndex"]) > before);
  }));

Deno.test("where one node cannot start, up says why and leaves nothing running", () =>
  inFolder(async (cwd) => {
    const args = ["--controllers", "1", "--agents", "1", "--gateways", "0", "--set", "log=loud"];
    const ran = await quorusProcess(cwd, ["cluster", "up", ...args]);
    assert.equal(ran.code, 1);
    assert.match(ran.err, /cannot start \w+ \w\d: its process has ended with status 2; the end of/);
    const { nodes } = JSON.parse(
      (await quorusProcess(cwd, ["cluster", "status", "-o", "json"])).out,
    );
    assert.deepEqual(nodes.map(({ state }: { state: string }) => state), ["stopped", "stopped"]);
  }));

Deno.test("down finds the processes of an up that was killed in the middle", () =>
  inFolder(async (cwd) => {
    const cli = new URL("../../../cli.ts", import.meta.url).pathname;
    const up = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", cli, "cluster", "up", "--gateways", "0"],
      cwd,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const reader = up.stderr.getReader();
    await reader.read(); // "starting ..."
    up.kill("SIGKILL");
    await up.status;
    await reader.cancel();
    assert.equal((await quorusProcess(cwd, ["cluster", "down"])).code, 0);
    const state = JSON.parse(Deno.readTextFileSync(`${cwd}/.quorus/cluster/cluster.json`));
    assert.ok(state.nodes.every(({ pid }: { pid: number | null }) => pid === null));
    const left = new Deno.Command("pgrep", { args: ["-f", cwd] }).outputSync();
    assert.equal(new TextDecoder().decode(left.stdout), "");
  }));

Deno.test("a data folder has one process; the second one is refused and the first goes on", () =>
  withCluster({ controllers: 1, agents: 0, gateways: 0 }, async ({ cwd, nodes }) => {
    const config = `${cwd}/.quorus/cluster/c1/controller.yaml`;
    const second = await quorusProcess(cwd, ["controller", "--config", config]);
    assert.equal(second.code, 3);
    assert.match(second.err, /another process keeps its state in .*: stop it, or give this node/);
    assert.equal((await nodes())[0]?.state, "ready");
  }));
