/** The examples for a cluster, given to a small one of real processes. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type ClusterUnderTest,
  quorusProcess,
  withCluster,
} from "../real/cluster/cluster_processes.ts";
import { startExample } from "./program.ts";

const SMALL = { controllers: 1, agents: 1, gateways: 1 };
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = ["README.md", "CHANGELOG.md", "LICENSE"];

/** The pages that the examples keep, in the folder where the cluster may read and write. */
async function prepared({ cwd, nodes }: ClusterUnderTest) {
  for (const name of PAGES) Deno.copyFileSync(`${ROOT}${name}`, `${cwd}/${name}`);
  const gateway = (await nodes()).find(({ role }) => role === "gateway");
  return { url: `http://${gateway?.place}`, keyFile: `${cwd}/.quorus/cluster/admin.key` };
}

function assertKept(cwd: string): void {
  for (const name of PAGES) {
    const kept = Deno.readTextFileSync(`${cwd}/.quorus/kept/${name}`);
    assert.equal(kept, Deno.readTextFileSync(`${cwd}/${name}`), name);
  }
}

Deno.test("14_cluster is carried out by a cluster as its first lines say", () =>
  withCluster(SMALL, async (cluster) => {
    const { cwd } = cluster;
    const { url, keyFile } = await prepared(cluster);
    const file = `${ROOT}examples/14_cluster.yaml`;
    const door = ["--server", url, "--key-file", keyFile];
    const ran = await quorusProcess(cwd, [
      ...["submit", file, "--var", `FOLDER=${cwd}`, "--wait"],
      ...door,
    ]);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.out + ran.err, /3 of 3 succeeded/);
    assertKept(cwd);
    const gold = await quorusProcess(cwd, ["get", "jobs", "-l", "tier=gold", ...door]);
    assert.equal(gold.out.match(/succeeded/g)?.length, 3, gold.out);
  }));

Deno.test("15_client submits, follows and lists a run, and shows what an error tells", () =>
  withCluster(SMALL, async (cluster) => {
    const { cwd } = cluster;
    const { url, keyFile } = await prepared(cluster);
    const env = { QUORUS_SERVER: url, QUORUS_API_KEY_FILE: keyFile };
    const { code, lines } = await startExample("15_client.ts", [cwd], env).ended;
    const text = lines.join("\n");
    assert.equal(code, 0, text);
    assert.match(text, /c1 leads/);
    assert.match(text, /license: assigned on a1/);
    assert.equal(text.match(/ succeeded, sha256 [0-9a-f]{12}/g)?.length, 3, text);
    assert.match(text, /not-found: get job no-such-job: /);
    assertKept(cwd);
  }));
