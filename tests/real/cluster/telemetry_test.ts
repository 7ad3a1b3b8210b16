/**
 * One submission, seen from outside: its trace goes through the processes of gateway, controller and agent,
 * their logs name its request, and each of them has metrics. Real processes, a small OTLP collector.
 */

import assert from "node:assert/strict";
import { readExposition } from "../../runtime/telemetry/exposition.ts";
import { type ClusterUnderTest, withCluster } from "./cluster_processes.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const REQUEST = "telemetry-test-1";

/** A span as OTLP has it in JSON. */
interface ReadSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string };
  }[];
}

/** Takes what Deno exports; `spans` grows. */
function startCollector() {
  const spans: ReadSpan[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (r) => {
    const text = await r.text();
    if (new URL(r.url).pathname === "/v1/traces") {
      for (const { scopeSpans } of JSON.parse(text).resourceSpans) {
        for (const { spans: some } of scopeSpans) spans.push(...some);
      }
    }
    return Response.json({});
  });
  return { spans, url: `http://127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
}

function attribute({ attributes }: ReadSpan, name: string): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}

/** Submits a copy of a small file in the cluster's folder; resolves when its run has ended well. */
async function submitAndWait({ cwd, nodes, get }: ClusterUnderTest): Promise<void> {
  Deno.writeTextFileSync(`${cwd}/from.txt`, "hello");
  const workflow = {
    apiVersion: "quorus.dev/v1",
    kind: "TransferGroup",
    metadata: { name: "traced" },
    spec: {
      transfers: [{
        name: "one",
        source: { uri: `file://${cwd}/from.txt` },
        destination: { uri: `file://${cwd}/to.txt` },
      }],
    },
  };
  const gateway = (await nodes()).find(({ role }) => role === "gateway");
  const key = Deno.readTextFileSync(`${cwd}/.quorus/cluster/admin.key`).trim();
  const answer = await fetch(`http://${gateway?.place}/v1/runs`, {
    method: "POST",
    body: JSON.stringify({ workflow: JSON.stringify(workflow) }),
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "x-request-id": REQUEST,
      traceparent: `00-${TRACE}-${PARENT}-01`,
    },
  });
  const body = await answer.json();
  assert.ok(answer.ok, JSON.stringify(body));
  assert.equal(answer.headers.get("x-request-id"), REQUEST);
  assert.ok(answer.headers.get("traceparent")?.startsWith(`00-${TRACE}-`));
  for (;;) {
    const { body: run } = await get(`/v1/runs/${body.runs[0].id}`);
    if (run["state"] === "succeeded") return;
    assert.equal(run["state"], "running", JSON.stringify(run));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("one submission is one trace through gateway, controller and agent", async () => {
  const collector = startCollector();
  const env = {
    OTEL_DENO: "true",
    OTEL_DENO_CONSOLE: "ignore",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "200",
  };
  await withCluster({ controllers: 1, agents: 1, gateways: 1 }, submitAndWait, [], env);
  // Its processes have ended, and sent what they had.
  await collector.stop();
  const ours = collector.spans.filter(({ traceId }) => traceId === TRACE);
  const byName = new Map(ours.map((span) => [span.name, span]));
  const names = ["POST /v1/runs", "desk write", "raft commit", "assign", "attempt"];
  for (const name of [...names, "move", "publish"]) assert.ok(byName.has(name), name);
  const isPartOf = (name: string, outer: string) =>
    assert.equal(byName.get(name)!.parentSpanId, byName.get(outer)!.spanId, `${name}, ${outer}`);
  isPartOf("desk write", "POST /v1/runs");
  for (const name of ["raft commit", "assign", "attempt"]) isPartOf(name, "desk write");
  for (const name of ["move", "publish"]) isPartOf(name, "attempt");
  assert.equal(attribute(byName.get("POST /v1/runs")!, "quorus.request"), REQUEST);
  assert.equal(attribute(byName.get("desk write")!, "quorus.node"), "c1");
  assert.equal(attribute(byName.get("attempt")!, "quorus.node"), "a1");
});

Deno.test("the logs of all processes name the request, and each process has metrics", () =>
  withCluster({ controllers: 1, agents: 1, gateways: 1 }, async (cluster) => {
    await submitAndWait(cluster);
    const { cwd, nodes } = cluster;
    const messages = ["request", "a run is taken up", "an attempt has ended"];
    for (const [at, node] of ["g1", "c1", "a1"].entries()) {
      const lines = Deno.readTextFileSync(`${cwd}/.quorus/cluster/${node}/log`).split("\n")
        .filter((line) => line.startsWith('{"time"')).map((line) => JSON.parse(line));
      const found = lines.find(({ message }) => message === messages[at]);
      assert.ok(found !== undefined, `${node}: ${messages[at]}`);
      const { node: of, requestId, traceId } = found;
      assert.deepEqual({ of, requestId, traceId }, {
        of: node,
        requestId: REQUEST,
        traceId: TRACE,
      });
    }
    for (const { node, role, metrics } of await nodes()) {
      const answer = await fetch(`http://${metrics}/metrics`);
      const families = readExposition(await answer.text());
      const info = families.get("quorus_node_info")!.samples[0]!;
      assert.deepEqual([info.labels["node"], info.labels["roles"]], [node, role]);
      const own = {
        controller: "quorus_jobs",
        agent: "quorus_agent_status",
        gateway: "quorus_live",
      };
      const prefix = own[role as keyof typeof own];
      assert.ok([...families.keys()].some((name) => name.startsWith(prefix)), node);
    }
  }));
