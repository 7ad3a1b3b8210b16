/** The door where Prometheus reads a node, and what must be there of every part. */

import assert from "node:assert/strict";
import { nodeMetrics, serveMetrics } from "../../cli/roles/metrics.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { startLinkedNode } from "../../runtime/remote/linked_node.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import { readExposition } from "../runtime/telemetry/exposition.ts";
import { inFolder, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

/** What a request is answered with: status, content type and text. */
async function ask(url: string, init?: RequestInit): Promise<readonly [number, string, string]> {
  const answer = await fetch(url, init);
  return [answer.status, answer.headers.get("content-type") ?? "", await answer.text()];
}

Deno.test("the metrics door answers GET /metrics and /livez, and nothing else", async () => {
  let value = 0;
  const metric = (): Metric => {
    const samples = [{ value: value += 1 }];
    return { name: "a_total", help: "A number.", type: "counter", samples };
  };
  const door = await serveMetrics(LOOPBACK, () => [metric()]);
  const text = "text/plain; charset=utf-8";
  const prometheus = "text/plain; version=0.0.4; charset=utf-8";
  const body = (count: number) =>
    `# HELP a_total A number.\n# TYPE a_total counter\na_total ${count}\n`;
  assert.deepEqual(await ask(`${door.url}/metrics`), [200, prometheus, body(1)]);
  assert.deepEqual(await ask(`${door.url}/metrics?x=1`), [200, prometheus, body(2)], "read anew");
  assert.deepEqual(await ask(`${door.url}/livez`), [200, text, "ok\n"]);
  assert.deepEqual(await ask(`${door.url}/metrics`, { method: "POST", body: "x" }), [
    ...[405, text, "only GET\n"],
  ]);
  for (const path of ["/", "/metrics/", "/v1/jobs", "/../metrics/x"]) {
    assert.equal((await ask(`${door.url}${path}`))[0], 404, path);
  }
  await door.shutdown();
});

Deno.test("every node tells of its process, its machine, its actors and its links", async () => {
  const env = realEnv();
  const node = startLinkedNode(env, { id: "n1" });
  const read = nodeMetrics(env, node, ["controller"]);
  const { prometheusText } = await import("../../runtime/telemetry/prometheus.ts");
  const families = readExposition(prometheusText(read()));
  const info = families.get("quorus_node_info")!.samples[0]!;
  assert.deepEqual(info.labels["roles"], "controller");
  assert.ok(families.get("process_resident_memory_bytes")!.samples[0]!.value > 1e7);
  for (const name of ["quorus_actor_mailbox_age_seconds", "quorus_links", "quorus_link_up"]) {
    assert.ok(families.has(name), name);
  }
  await node.stop({ withinMs: 0 });
  env.close();
});

Deno.test("a node listens for Prometheus only where it is told to", () =>
  inFolder(async (cwd) => {
    writeFiles(cwd, { "c1.yaml": "node: c1\ncontrollers: { c1: 'ws://127.0.0.1:1' }\n" });
    const given = ["--role", "controller", "--config", "c1.yaml"];
    const show = async (...more: string[]) =>
      await quorus(["config", "show", ...given, ...more], { cwd });
    assert.doesNotMatch((await show()).out, /metrics/);
    assert.match((await show("--set", "metrics=127.0.0.1:9464")).out, /metrics +127.0.0.1:9464/);
    const ran = await show("--set", "metrics=9464");
    assert.equal(ran.code, 2);
    assert.match(ran.err, /write HOST:PORT/);
  }));
