/** The restart of nodes of a local cluster: one after the other, each only when all is well. */

import { awaitAssembled } from "./assembled.ts";
import { awaitReady, stopNode } from "./processes.ts";
import type { ClusterNode } from "./state_file.ts";
import { type Cluster, startRecorded } from "./up.ts";

/** How the restart of one node went; times in ms, each from the end of the one before. */
export interface Restarted {
  readonly node: string;
  /** Until its process had ended. */
  readonly drainMs: number;
  /** Until the next one said that it is ready. */
  readonly readyMs: number;
  /** Until every controller had caught up and every agent took jobs again. */
  readonly wholeMs: number;
}

/** Ends one node in order and waits until it is ready again. */
export async function restartNode(
  cluster: Cluster,
  node: ClusterNode,
): Promise<{ readonly pid: number; readonly drainMs: number; readonly readyMs: number }> {
  const { clock } = cluster.machine.env;
  const startMs = clock.monotonic();
  await stopNode(cluster.machine, node);
  const drainMs = clock.monotonic() - startMs;
  const child = await startRecorded(cluster, node);
  await awaitReady(cluster.machine, node, child, new AbortController().signal);
  return { pid: child.pid, drainMs, readyMs: clock.monotonic() - startMs - drainMs };
}

/**
 * Restarts every node: agents, gateways, controllers, whoever leads last. ClusterError `notReady` where the
 * cluster does not become whole again: then no further node is touched.
 */
export async function rollingRestart(
  cluster: Cluster,
  signal: AbortSignal,
  tell: (one: Restarted) => void,
): Promise<readonly Restarted[]> {
  const { machine, state } = cluster;
  const { clock } = machine.env;
  const whole = () => awaitAssembled(machine, state, signal, { isWhole: true });
  const left = (["agent", "gateway", "controller"] as const)
    .flatMap((role) => state.nodes.filter((node) => node.role === role));
  const done: Restarted[] = [];
  let seen = await whole();
  while (left.length > 0) {
    signal.throwIfAborted();
    const [node] = left.splice(Math.max(0, left.findIndex(({ id }) => id !== seen?.leader)), 1);
    const { drainMs, readyMs } = await restartNode(cluster, node!);
    const sinceMs = clock.monotonic();
    seen = await whole();
    const one = { node: node!.id, drainMs, readyMs, wholeMs: clock.monotonic() - sinceMs };
    tell(one);
    done.push(one);
  }
  return done;
}
