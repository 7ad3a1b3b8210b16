/** The processes of a local cluster: started, found again, ended. */

import type { Env } from "../../runtime/env/env.ts";
import { absolutePath } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import type { Process, SentSignal, StartedChild } from "../process.ts";
import { isHeld, type Readiness, readReadiness } from "../roles/data_folder.ts";
import { permissionFlags } from "../roles/permissions.ts";
import { ClusterError, type ClusterNode, type ClusterState } from "./state_file.ts";

/** What these functions need. */
export interface Machine {
  readonly env: Env;
  readonly process: Process;
}

/** How a node's process is. */
export type ProcessState = "ready" | "starting" | "stopped";

const CLI = import.meta.resolve("../../cli.ts");
const PROGRAM = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Starts the process of a node with the least permissions of its role. */
export function startNodeProcess(
  { process }: Machine,
  state: ClusterState,
  folder: string,
  node: ClusterNode,
): StartedChild {
  const places = state.nodes.flatMap(({ place }) => place === null ? [] : [place]);
  const flags = permissionFlags(node.role, {
    data: node.data,
    reads: [folder],
    net: places,
    files: state.files,
    program: PROGRAM,
  });
  const args = ["run", ...flags, CLI, node.role, "--config", node.config, "--json"];
  return process.children.start(process.children.program, args, node.log);
}

/**
 * How a node's process is. It lives if it holds its folder, which no other process with its id does: ids
 * of ended processes are given to others.
 */
export async function processState({ env }: Machine, node: ClusterNode): Promise<ProcessState> {
  if (node.pid === null || !await isHeld(env.disk, node.data)) return "stopped";
  const ready = await readReadiness(env.disk, node.data);
  return ready?.pid === node.pid ? "ready" : "starting";
}

/** Waits until a started process is ready; ClusterError `notReady` with the end of its log. */
export async function awaitReady(
  machine: Machine,
  node: ClusterNode,
  child: StartedChild,
  signal: AbortSignal,
): Promise<Readiness> {
  const { env } = machine;
  const endMs = env.clock.monotonic() + cliLimits.clusterReadyMs;
  const ended: { code?: number } = {};
  void child.ended.then((code) => ended.code = code);
  while (env.clock.monotonic() < endMs) {
    signal.throwIfAborted();
    const ready = await readReadiness(env.disk, node.data);
    if (ready?.pid === child.pid) return ready;
    if (ended.code !== undefined) {
      throw await notReady(machine, node, `its process has ended with status ${ended.code}`);
    }
    await pause(env);
  }
  throw await notReady(machine, node, `it is not ready after ${cliLimits.clusterReadyMs} ms`);
}

async function notReady({ env }: Machine, node: ClusterNode, why: string): Promise<ClusterError> {
  const tail = await logTail(env, node.log);
  const text = `cannot start ${node.role} ${node.id}: ${why}; the end of ${node.log}:\n${tail}`;
  return new ClusterError("notReady", text);
}

async function logTail({ disk }: Env, path: string): Promise<string> {
  if (await disk.stat(path) === null) return "(nothing)";
  const file = await disk.open(absolutePath("/", path), { read: true });
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, cliLimits.logTailBytes));
    const count = await file.read(bytes, size - bytes.length);
    return new TextDecoder().decode(bytes.subarray(0, count)).trimEnd();
  } finally {
    await file.close();
  }
}

/** Sends a signal to a node's living process; `false` where there is none. */
export async function signalNode(
  machine: Machine,
  node: ClusterNode,
  signal: SentSignal,
): Promise<boolean> {
  if (!await lives(machine, node)) return false;
  return machine.process.children.signal(node.pid!, signal);
}

/** Ends a node's process in order, or at once where it takes too long; says how it went. */
export async function stopNode(
  machine: Machine,
  node: ClusterNode,
): Promise<"wasStopped" | "stopped" | "killed"> {
  const { env } = machine;
  if (!await signalNode(machine, node, "SIGTERM")) return "wasStopped";
  // A stopped (SIGSTOP) process takes SIGTERM only once it goes on.
  await signalNode(machine, node, "SIGCONT");
  if (await awaitEnd(env, node, cliLimits.clusterStopMs)) return "stopped";
  await signalNode(machine, node, "SIGKILL");
  await awaitEnd(env, node, cliLimits.clusterLockMs);
  return "killed";
}

/** Whether the node's folder is free within the time. */
export async function awaitEnd(env: Env, node: ClusterNode, withinMs: number): Promise<boolean> {
  const endMs = env.clock.monotonic() + withinMs;
  while (await isHeld(env.disk, node.data)) {
    if (env.clock.monotonic() >= endMs) return false;
    await pause(env);
  }
  return true;
}

/** A process that was just started may not hold its folder yet: that is waited for. */
async function lives({ env, process }: Machine, node: ClusterNode): Promise<boolean> {
  if (node.pid === null) return false;
  while (!await isHeld(env.disk, node.data)) {
    const isYoung = env.clock.now() - (node.startedMs ?? 0) < cliLimits.clusterLockMs;
    if (!isYoung || !process.children.exists(node.pid)) return false;
    await pause(env);
  }
  return true;
}

function pause(env: Env): Promise<void> {
  return new Promise((resolve) => void env.timers.after(cliLimits.clusterPollMs, resolve));
}
