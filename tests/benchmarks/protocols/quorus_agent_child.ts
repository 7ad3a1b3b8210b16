/** The process behind {@link QuorusAgent}: a line in is a workflow, a line out is what became of it. */

import { createInterface } from "node:readline";
import process from "node:process";
import { startEmbedded } from "../../../actors/embedded.ts";
import { protocolsFor } from "../../../cli/protocols.ts";
import type { ProtocolRegistry } from "../../../protocols/registry.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { planText } from "../engine.ts";
import type { Peaks } from "./quorus_agent.ts";

const SAMPLE_MS = 20;

async function carryOut(
  env: Env,
  protocols: ProtocolRegistry,
  { text, folder }: { text: string; folder: string },
): Promise<Peaks> {
  const refuse = (name: string): Promise<string> => Promise.reject(new Error(`no secret ${name}`));
  const embedded = await startEmbedded(env, {
    folder,
    runId: "bench",
    plan: () => planText(text, 0),
    protocols,
    secrets: { secret: refuse, env: refuse, file: (path) => Deno.readTextFile(path) },
    sync: false,
  });
  const peaks = { lentBytes: 0, rssBytes: 0 };
  const timer = setInterval(() => {
    peaks.lentBytes = Math.max(peaks.lentBytes, embedded.lentBytes);
    peaks.rssBytes = Math.max(peaks.rssBytes, Deno.memoryUsage().rss);
  }, SAMPLE_MS);
  try {
    const run = await embedded.finished;
    if (run.state !== "succeeded") throw new Error(`the run has ${run.state}: ${run.why}`);
    return peaks;
  } finally {
    clearInterval(timer);
    await embedded.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const env = realEnv({ logLevel: "error" });
const shares = {
  smb: { ticketCache: null, folder: Deno.env.get("TMPDIR") ?? "/tmp" },
  nfs: { mounts: [], files: null },
};
const protocols = protocolsFor(env, { maxRate: null, trace: false, shares });
for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await carryOut(env, protocols, JSON.parse(line)).then(
    (peaks) => peaks,
    (thrown: unknown) => ({ error: String(thrown) }),
  );
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
await protocols.close();
env.close();
