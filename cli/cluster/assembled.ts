/** Whether the nodes of a local cluster have found each other, as its gateway tells. */

import { z } from "zod";
import { cliLimits } from "../limits.ts";
import { readTextFile } from "../input/text_file.ts";
import type { Machine } from "./processes.ts";
import { ClusterError, type ClusterState } from "./state_file.ts";

const clusterAnswer = z.object({
  leader: z.string().nullable(),
  controllers: z.array(z.object({
    node: z.string(),
    status: z.string(),
    lagEntries: z.number().nullable(),
  })),
  agents: z.record(z.string(), z.number()),
});

/** What the gateways of a local cluster say of it. */
export type SeenCluster = z.infer<typeof clusterAnswer>;

/** The states of agents that take jobs. */
const TAKING = ["active", "idle", "working"];

/**
 * Waits until controllers have a leader and every agent takes jobs; with `isWhole` also until every
 * controller is linked and has caught up. Gives what was seen; `null` at once where there is no gateway
 * to ask. ClusterError `notReady` says what is missing.
 */
export async function awaitAssembled(
  machine: Machine,
  state: ClusterState,
  signal: AbortSignal,
  { isWhole = false }: { readonly isWhole?: boolean } = {},
): Promise<SeenCluster | null> {
  const places = state.nodes.flatMap(({ role, place }) => role === "gateway" ? [place!] : []);
  if (places.length === 0) return null;
  const { env } = machine;
  const what = "the admin key";
  const key = await readTextFile(env.disk, state.adminKeyFile, what, cliLimits.valueFileBytes);
  const count = state.nodes.filter(({ role }) => role === "agent").length;
  const endMs = env.clock.monotonic() + cliLimits.clusterReadyMs;
  let missing = "no gateway answers";
  for (let turn = 0; env.clock.monotonic() < endMs; turn += 1) {
    signal.throwIfAborted();
    const seen = await look(machine, places[turn % places.length]!, key.trim(), signal);
    if (seen !== null) {
      const lack = lacking(seen, count, isWhole);
      if (lack === null) return seen;
      missing = lack;
    }
    await new Promise<void>((resolve) => void env.timers.after(cliLimits.clusterPollMs, resolve));
  }
  const text = `the cluster is not ready: ${missing} after ${cliLimits.clusterReadyMs} ms`;
  throw new ClusterError("notReady", text);
}

/** What such a cluster still lacks. */
function lacking(seen: SeenCluster, count: number, isWhole: boolean): string | null {
  if (seen.leader === null) return "nobody leads";
  const taking = TAKING.reduce((sum, name) => sum + (seen.agents[name] ?? 0), 0);
  if (taking < count) return `${taking} of ${count} agents take jobs`;
  if (!isWhole) return null;
  const away = seen.controllers.filter(({ status }) => status !== "up");
  if (away.length > 0) return `${away.map(({ node }) => node).join(", ")} not linked`;
  const behind = seen.controllers.filter(({ lagEntries }) =>
    lagEntries === null || lagEntries > cliLimits.clusterLagEntries
  );
  if (behind.length > 0) return `${behind.map(({ node }) => node).join(", ")} behind`;
  return null;
}

/** What the cluster says of itself; `null` where it does not answer yet. */
async function look(
  { env }: Machine,
  place: string,
  key: string,
  signal: AbortSignal,
): Promise<SeenCluster | null> {
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
