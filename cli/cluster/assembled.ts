/** Whether the nodes of a local cluster have found each other, as its gateway tells. */

import { z } from "zod";
import { cliLimits } from "../limits.ts";
import { readTextFile } from "../input/text_file.ts";
import type { Machine } from "./processes.ts";
import { ClusterError, type ClusterState } from "./state_file.ts";

const clusterAnswer = z.object({
  leader: z.string().nullable(),
  agents: z.record(z.string(), z.number()),
});

/** The states of agents that take jobs. */
const TAKING = ["active", "idle", "working"];

/**
 * Waits until controllers have a leader and every agent takes jobs; at once where there is no gateway to
 * ask. ClusterError `notReady` says what is missing.
 */
export async function awaitAssembled(
  machine: Machine,
  state: ClusterState,
  signal: AbortSignal,
): Promise<void> {
  const place = state.nodes.find(({ role }) => role === "gateway")?.place ?? null;
  if (place === null) return;
  const { env } = machine;
  const what = "the admin key";
  const key = await readTextFile(env.disk, state.adminKeyFile, what, cliLimits.valueFileBytes);
  const count = state.nodes.filter(({ role }) => role === "agent").length;
  const endMs = env.clock.monotonic() + cliLimits.clusterReadyMs;
  let missing = "the gateway does not answer";
  while (env.clock.monotonic() < endMs) {
    signal.throwIfAborted();
    const seen = await look(machine, place, key.trim(), signal);
    if (seen !== null) {
      const taking = TAKING.reduce((sum, name) => sum + (seen.agents[name] ?? 0), 0);
      if (seen.leader !== null && taking >= count) return;
      missing = seen.leader === null ? "nobody leads" : `${taking} of ${count} agents take jobs`;
    }
    await new Promise<void>((resolve) => void env.timers.after(cliLimits.clusterPollMs, resolve));
  }
  const text = `cannot start the cluster: ${missing} after ${cliLimits.clusterReadyMs} ms`;
  throw new ClusterError("notReady", text);
}

/** What the cluster says of itself; `null` where it does not answer yet. */
async function look(
  { env }: Machine,
  place: string,
  key: string,
  signal: AbortSignal,
): Promise<z.infer<typeof clusterAnswer> | null> {
  try {
    const response = await env.net.request({
      method: "GET",
      url: `http://${place}/v1/cluster`,
      headers: { authorization: `Bearer ${key}` },
      signal,
    });
    const bytes = new Uint8Array(cliLimits.configFileBytes);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = await response.body.read(bytes.subarray(length));
    }
    const parsed = JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)));
    return response.status === 200 ? clusterAnswer.parse(parsed) : null;
  } catch {
    return null; // it is starting
  }
}
