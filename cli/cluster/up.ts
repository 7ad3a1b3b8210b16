/** Starting all processes of a local cluster, and ending them again where that fails. */

import { cliLimits } from "../limits.ts";
import { absolutePath } from "../input/text_file.ts";
import { awaitAssembled } from "./assembled.ts";
import { type ClusterShape, makeCluster } from "./layout.ts";
import { awaitReady, type Machine, processState, startNodeProcess, stopNode } from "./processes.ts";
import { isHeld } from "../roles/data_folder.ts";
import {
  ClusterError,
  type ClusterNode,
  type ClusterState,
  readCluster,
  writeCluster,
} from "./state_file.ts";

/** A folder, its nodes, and one process each. */
export interface Cluster {
  readonly machine: Machine;
  readonly folder: string;
  readonly state: ClusterState;
}

/** Makes a cluster in the folder, or takes the one that is there and does not run. */
export async function prepareCluster(
  machine: Machine,
  folder: string,
  shape: ClusterShape,
): Promise<{ readonly cluster: Cluster; readonly isNew: boolean }> {
  const { disk } = machine.env;
  const there = await readCluster(disk, folder);
  if (there !== null) {
    const living = await livingNodes(machine, there);
    if (living.length > 0) {
      throw new ClusterError(
        "running",
        `cannot start the cluster in ${folder}: ${living.join(", ")} run already; ` +
          "end them with deno task cluster down, or use another --dir",
      );
    }
    checkShape(folder, there, shape);
    return { cluster: { machine, folder, state: there }, isNew: false };
  }
  if (await disk.stat(folder) !== null && (await disk.readDirectory(folder)).length > 0) {
    throw new ClusterError("exists", `cannot make a cluster in ${folder}: it is not empty`);
  }
  const state = await makeCluster(machine.env, folder, shape);
  await writeCluster(disk, folder, state);
  return { cluster: { machine, folder, state }, isNew: true };
}

async function livingNodes({ env }: Machine, state: ClusterState): Promise<string[]> {
  const living: string[] = [];
  for (const { id, data } of state.nodes) if (await isHeld(env.disk, data)) living.push(id);
  return living;
}

function checkShape(folder: string, { nodes }: ClusterState, shape: ClusterShape): void {
  const count = (role: ClusterNode["role"]) => nodes.filter((node) => node.role === role).length;
  const has = [count("controller"), count("agent"), count("gateway")];
  const wanted = [shape.controllers, shape.agents, shape.gateways];
  if (has.every((number, index) => number === wanted[index])) return;
  const text = ([controllers, agents, gateways]: number[]) =>
    `${controllers} controllers, ${agents} agents and ${gateways} gateways`;
  throw new ClusterError(
    "exists",
    `cannot make a cluster of ${text(wanted)} in ${folder}: there is one of ${text(has)}; ` +
      "use another --dir, or remove it with deno task cluster down --remove",
  );
}

/**
 * Starts every process and waits until all are ready. Each is on record before it is waited for, so that
 * `cluster down` finds it whatever becomes of us; where one fails or `signal` aborts, all are ended.
 */
export async function startAll(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    const starting: Promise<unknown>[] = [];
    for (const node of cluster.state.nodes) {
      signal.throwIfAborted();
      const child = await startRecorded(cluster, node);
      const ready = awaitReady(cluster.machine, node, child, either);
      ready.catch((error) => failed.abort(error));
      starting.push(ready);
    }
    await Promise.all(starting);
    await awaitAssembled(cluster.machine, cluster.state, signal);
  } catch (error) {
    failed.abort(error);
    await stopAll(cluster);
    throw error;
  }
}

/** Starts one process, and writes down which it is. */
export async function startRecorded(cluster: Cluster, node: ClusterNode) {
  const { machine, folder, state } = cluster;
  node.startedMs = machine.env.clock.now();
  node.pid = null;
  await writeCluster(machine.env.disk, folder, state);
  const child = startNodeProcess(machine, state, folder, node);
  node.pid = child.pid;
  await writeCluster(machine.env.disk, folder, state);
  return child;
}

/** Ends every process, those that take requests first; what became of each. */
export async function stopAll(
  { machine, folder, state }: Cluster,
): Promise<{ readonly node: string; readonly how: string }[]> {
  const ended: { node: string; how: string }[] = [];
  for (const role of ["gateway", "agent", "controller"] as const) {
    const nodes = state.nodes.filter((node) => node.role === role);
    ended.push(
      ...await Promise.all(nodes.map(async (node) => {
        const how = await stopNode(machine, node);
        node.pid = null;
        node.startedMs = null;
        return { node: node.id, how };
      })),
    );
  }
  await writeCluster(machine.env.disk, folder, state);
  return ended;
}

/** One line per node, for people and programs. */
export async function nodeRows({ machine, state }: Cluster) {
  const rows = [];
  for (const node of state.nodes) {
    const { id, role, place, metrics, log } = node;
    rows.push({ node: id, role, ...await processState(machine, node), place, metrics, log });
  }
  return rows;
}

/** Where transfers may read and write: the given folders, else the working directory. */
export function fileRoots(cwd: string, given: readonly string[]): string[] | null {
  if (given.includes("/")) return null;
  return (given.length === 0 ? ["."] : given).map((path) => absolutePath(cwd, path));
}

/** Whether so many nodes may be started. */
export function checkCount({ controllers, agents, gateways }: ClusterShape): void {
  const count = controllers + agents + gateways;
  if (count <= cliLimits.clusterNodes) return;
  throw new ClusterError(
    "exists",
    `cannot start ${count} processes on one machine: at most ${cliLimits.clusterNodes}`,
  );
}
