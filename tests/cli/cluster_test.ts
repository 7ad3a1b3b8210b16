/** The folder of a local cluster, and what its verbs refuse; living processes are in tests/real/cluster. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { controllerSettings } from "../../cli/config/roles.ts";
import { makeCluster } from "../../cli/cluster/layout.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { inFolder, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

Deno.test("a new cluster has a configuration per node, and secrets that only its owner reads", () =>
  inFolder(async (cwd) => {
    const env = realEnv();
    try {
      const shape = {
        controllers: 3,
        agents: 2,
        gateways: 1,
        files: [cwd],
        settings: {},
        isEncrypted: false,
      };
      const state = await makeCluster(env, `${cwd}/made`, shape);
      assert.deepEqual(state.nodes.map(({ id }) => id), ["c1", "c2", "c3", "a1", "a2", "g1"]);
      const places = state.nodes.flatMap(({ place }) => place === null ? [] : [place]);
      assert.equal(new Set(places).size, 4);
      const told = state.nodes.flatMap(({ metrics }) => metrics === null ? [] : [metrics]);
      assert.equal(new Set([...places, ...told]).size, 4 + 6, "each has a place of its own");
      const { scrape_configs: [job] } = parse(
        Deno.readTextFileSync(`${cwd}/made/prometheus.yml`),
      );
      const targets = (job.static_configs as { targets: string[] }[]).flatMap((one) => one.targets);
      assert.deepEqual(targets, told);
      for (const name of ["token", "admin.key"]) {
        assert.equal(Deno.statSync(`${cwd}/made/${name}`).mode! & 0o777, 0o600);
      }
      const key = Deno.readTextFileSync(state.adminKeyFile).trim();
      const text = Deno.readTextFileSync(state.nodes[0]!.config);
      assert.ok(!text.includes(key), "the key itself stands in no configuration");
      const settings = controllerSettings.parse(parse(text));
      assert.deepEqual(Object.keys(settings.controllers), ["c1", "c2", "c3"]);
      assert.deepEqual(settings.roles, { a1: ["agent"], a2: ["agent"], g1: ["gateway"] });
    } finally {
      env.close();
    }
  }));

Deno.test("every configuration of a new cluster is one that its role takes", () =>
  inFolder(async (cwd) => {
    const env = realEnv();
    try {
      const shape = {
        controllers: 1,
        agents: 1,
        gateways: 1,
        files: null,
        settings: {},
        isEncrypted: true,
      };
      const { nodes } = await makeCluster(env, `${cwd}/made`, shape);
      for (const { role, config } of nodes) {
        const ran = await quorus(["config", "show", "--role", role, "--config", config], { cwd });
        assert.equal(ran.code, 0, ran.err);
      }
    } finally {
      env.close();
    }
  }));

Deno.test("without a cluster its verbs say so, with exit code 2", () =>
  inFolder(async (cwd) => {
    const verbs = [["status"], ["kill", "c1"], ["restart", "c1"], ["down"]];
    for (const verb of verbs) {
      const ran = await quorus(["cluster", ...verb], { cwd });
      assert.equal(ran.code, 2, verb.join(" "));
      assert.match(ran.err, /there is no cluster in .*: start one with deno task cluster up/);
    }
  }));

Deno.test("a folder with other things in it becomes no cluster", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "mine/letter.txt": "dear" });
    const ran = await quorus(["cluster", "up", "--dir", "mine"], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /mine: it is not empty/);
  }));
