/** The restart of every node, one after the other, as an operator does it: in order, and only when all is well. */

import type { QuorusClient } from "../../client.ts";
import type { ChaosCluster } from "./cluster.ts";
import { clientOf, pause, type Tries } from "./door.ts";
import type { NodeProcess } from "./node_process.ts";
import { AGENTS } from "./places.ts";

/** How the restart of one node went. */
export interface Restarted {
  readonly node: string;
  readonly startedMs: number;
  readonly drainedMs: number;
  readonly readyMs: number;
}

const WELL_WITHIN_MS = 90_000;
const POLL_MS = 250;
const TAKING = ["idle", "working", "active"];

/** Restarts all: agents first, the leader last. */
export async function rollingRestart(
  cluster: ChaosCluster,
  tries: Tries,
  leader: () => string | null,
  tell: (line: string) => void,
): Promise<readonly Restarted[]> {
  const client = clientOf(cluster, tries, { callMs: WELL_WITHIN_MS, tryMs: 3_000 });
  const done: Restarted[] = [];
  const left = [...cluster.of("agent"), ...cluster.of("gateway"), ...cluster.of("controller")];
  while (left.length > 0) {
    await allWell(client);
    // Who leads now goes last.
    const at = Math.max(0, left.findIndex(({ id }) => id !== leader()));
    const [node] = left.splice(at, 1);
    done.push(await restart(node!));
    const { startedMs, drainedMs, readyMs } = done.at(-1)!;
    const drained = ((drainedMs - startedMs) / 1_000).toFixed(1);
    const ready = ((readyMs - drainedMs) / 1_000).toFixed(1);
    tell(`rolling restart: ${node!.id} drained in ${drained} s, ready after ${ready} s more`);
  }
  await allWell(client);
  return done;
}

async function restart(node: NodeProcess): Promise<Restarted> {
  const startedMs = Date.now();
  await node.end("SIGTERM");
  const drainedMs = Date.now();
  node.start();
  await node.ready();
  return { node: node.id, startedMs, drainedMs, readyMs: Date.now() };
}

/** Waits until somebody leads, all controllers are linked, and all agents take jobs. */
async function allWell(client: QuorusClient): Promise<void> {
  const endMs = Date.now() + WELL_WITHIN_MS;
  for (;;) {
    const { leader, controllers, agents } = await client.cluster.get();
    const taking = TAKING.reduce((sum, state) => sum + (agents[state] ?? 0), 0);
    const isLinked = controllers.every(({ status }) => status === "up");
    if (leader !== null && isLinked && taking === AGENTS.length) return;
    if (Date.now() > endMs) {
      const seen = JSON.stringify({ leader, controllers, agents });
      throw new Error(`the cluster is not well after ${WELL_WITHIN_MS} ms: ${seen}`);
    }
    await pause(POLL_MS);
  }
}
