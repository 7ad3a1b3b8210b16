/**
 * `bench api`: status queries over HTTP, from this process to a gateway in another one. The server has one
 * controller in the same process: what is measured is the door, not a network. Both processes share the
 * machine, so the figures are a floor.
 */

import type { Report } from "./report.ts";
import { load } from "./api_load.ts";

const ROUNDS = 3;
const SECONDS = 4;
const CLIENTS = 1_000;

/** Measures. */
export async function bench(report: Report): Promise<void> {
  const { child, url, runId, key } = await startServer();
  const paths = {
    stale: `/v1/runs/${runId}?consistency=stale`,
    linearizable: `/v1/runs/${runId}`,
    livez: "/livez",
  };
  try {
    for (const [name, path] of Object.entries(paths)) {
      const results = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        results.push(await load({ url, path, key, clients: CLIENTS, seconds: SECONDS }));
      }
      const isAimed = name !== "livez";
      const of = (measure: string, unit: string, values: number[], aim: string) =>
        report({
          bench: "api",
          measure: `${name}_${measure}`,
          unit,
          values,
          ...(isAimed ? { aim } : {}),
        });
      of("queries", "1/s", results.map(({ perSecond }) => perSecond), ">=10000");
      of("p50_1000_clients", "ms", results.map(({ p50Ms }) => p50Ms), "<100");
      of("p99_1000_clients", "ms", results.map(({ p99Ms }) => p99Ms), "<100");
      const errors = results.reduce((sum, result) => sum + result.errors, 0);
      if (errors > 0) throw new Error(`ask ${path}: ${errors} answers were no 200`);
    }
  } finally {
    await child.stdin.close();
    await child.status;
  }
}

interface Server {
  readonly child: Deno.ChildProcess;
  readonly url: string;
  readonly runId: string;
  readonly key: string;
}

async function startServer(): Promise<Server> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("./api_server.ts", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error("start the gateway: it has ended before it was ready");
    text += value;
  }
  reader.releaseLock();
  return { child, ...JSON.parse(text.slice(0, text.indexOf("\n"))) };
}
