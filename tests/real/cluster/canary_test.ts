/** Secrets of a cluster's transfers: not in its log, its archive, its API, its output, however nodes end. */

import assert from "node:assert/strict";
import { giveSecrets } from "./agent_secrets.ts";
import { quorusProcess, withCluster } from "./cluster_processes.ts";
import { startFileServer } from "../../servers/file_server.ts";
import { bytesFile, generatedFile } from "../../servers/pattern.ts";
import {
  assertClean,
  assertFolderClean,
  BASIC,
  BEARER,
  CANARY_SECRETS,
  canaryTransfer,
  HEADER,
} from "../../scenario/canary_text.ts";

const SMALL = { controllers: 1, agents: 2, gateways: 1 };
const PLACES = ["/v1/runs", "/v1/jobs", "/v1/agents", "/v1/audit"];

/** The names under which agents find them. */
const AGENT_SECRETS = Object.fromEntries(
  Object.entries(CANARY_SECRETS).map(([name, value]) => [
    name.replace("QUORUS_SECRET_", ""),
    value,
  ]),
);

Deno.test("secrets of a cluster are nowhere after success, failure and SIGKILL of nodes", async () => {
  const server = startFileServer({
    files: new Map([
      ["/f", bytesFile(new Uint8Array(5_000))],
      ["/large", generatedFile(24 * 2 ** 20, 3, {})],
    ]),
  });
  server.serve("/large", { throttleBytesPerSecond: 6 * 2 ** 20 });
  try {
    await withCluster(
      SMALL,
      async (cluster) => {
        const { cwd, nodes } = cluster;
        const secrets = await giveSecrets(cluster, ["a1", "a2"], AGENT_SECRETS);
        const gateway = (await nodes()).find(({ role }) => role === "gateway");
        const door = ["--server", `http://${gateway?.place}`];
        const key = ["--key-file", `${cwd}/.quorus/cluster/admin.key`];
        const ask = (...words: string[]) => quorusProcess(cwd, [...words, ...door, ...key]);
        const submit = async (name: string, path: string, auth: string, ...more: string[]) => {
          const file = `${cwd}/${name}.yaml`;
          const text = canaryTransfer(name, server.url(path), auth, `${cwd}/${name}.out`);
          await Deno.writeTextFile(file, text);
          const { code, out, err } = await ask("submit", file, ...more);
          assertClean(out + err, `what submit said of ${name}`);
          return { code, out, err };
        };
        const good = await submit("good", "/f", BEARER, "--wait");
        assert.equal(good.code, 0, good.err + good.out);
        assert.equal(server.requests().at(-1)!.headers.get("x-api-key"), HEADER);
        assert.equal((await submit("bad", "/absent", BASIC, "--wait")).code, 1);
        const killed = submit("killed", "/large", BASIC, "--wait");
        while (server.bytesServed("/large") < 2 ** 20) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        for (const node of ["a1", "a2"]) await cluster.cluster("kill", node);
        for (const node of ["a1", "a2"]) await cluster.cluster("restart", node);
        assert.equal((await killed).code, 0, "another attempt has ended it");
        await cluster.cluster("kill", "c1");
        await cluster.cluster("restart", "c1");
        for (const words of [["get", "runs"], ["get", "jobs", "-o", "json"], ["logs", "--help"]]) {
          const { out, err } = await ask(...words);
          assertClean(out + err, words.join(" "));
        }
        for (const place of PLACES) {
          const { body } = await cluster.get(place).catch(() => ({ body: {} }));
          assertClean(JSON.stringify(body), place);
        }
        for (const { node, metrics } of await nodes()) {
          if (metrics === null) continue;
          const text = await (await fetch(`http://${metrics}/metrics`)).text();
          assert.match(text, /^# TYPE /m, `${node} has metrics`);
          assertClean(text, `metrics of ${node}`);
        }
        await Deno.remove(secrets, { recursive: true });
        assert.ok(await assertFolderClean(cwd) > 20, "the folders of all nodes were searched");
      },
      ["--set", "logLevel=debug"],
    );
  } finally {
    await server.close();
  }
});
