/** Runs a plan in this process as an embedded run does: the contestant of the transfer benchmarks. */

import { startEmbedded } from "../../actors/embedded.ts";
import type { Run } from "../../actors/controller/state.ts";
import { fileProtocol } from "../../protocols/file/protocol.ts";
import { httpProtocol } from "../../protocols/http/http.ts";
import { protocolRegistry } from "../../protocols/registry.ts";
import type { TransferProtocol } from "../../protocols/contract.ts";
import type { Env } from "../../runtime/env/env.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import type { Plan } from "../../workflows/plan.ts";
import { planGroup } from "../../workflows/planner.ts";

/** Parses and plans one document; throws its first error. */
export function planText(text: string, nowMs: number): Plan {
  const { definitions, diagnostics } = parseDocuments(text, { file: "benchmark.yaml" });
  const definition = definitions[0];
  if (definition === undefined) throw new Error(JSON.stringify(diagnostics[0]));
  const planned = planGroup(definition, { nowMs, env: {}, files: {}, values: {}, pathBase: "/" });
  if (planned.plan === null) throw new Error(JSON.stringify(planned.diagnostics[0]));
  return planned.plan;
}

/** Runs a plan to its end in a fresh folder; throws unless it succeeds. */
export async function runPlan(
  env: Env,
  plan: Plan,
  options: { sync: boolean; folder: string; protocols?: readonly TransferProtocol[] },
): Promise<Run> {
  const refuse = (name: string): Promise<string> => Promise.reject(new Error(`no secret ${name}`));
  const embedded = await startEmbedded(env, {
    folder: options.folder,
    runId: "bench",
    plan: () => plan,
    protocols: protocolRegistry([fileProtocol(), httpProtocol(), ...options.protocols ?? []]),
    secrets: { secret: refuse, env: refuse, file: (path) => Deno.readTextFile(path) },
    sync: options.sync,
  });
  try {
    const run = await embedded.finished;
    if (run.state !== "succeeded") throw new Error(`the run has ${run.state}: ${run.why}`);
    return run;
  } finally {
    await embedded.close();
    await Deno.remove(options.folder, { recursive: true });
  }
}
