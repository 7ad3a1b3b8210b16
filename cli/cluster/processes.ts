/** The processes of a local cluster: started, found again, ended. */

import type { Env } from "../../runtime/env/env.ts";
import { absolutePath } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { readsOf } from "./layout.ts";
import type { Process, SentSignal, StartedChild } from "../process.ts";
import { holderOf, isHeld, type Readiness, readReadiness } from "../roles/data_folder.ts";
import { permissionFlags } from "../roles/permissions.ts";
import { ClusterError, type ClusterNode, type ClusterState } from "./state_file.ts";

/** What these functions need. */
export interface Machine {
  readonly env: Env;
  readonly process: Process;
}

/** Of a node's process. */
export type ProcessState = "ready" | "starting" | "stopped";

const HOST = "127.0.0.1";
const CLI = import.meta.resolve("../../cli.ts");
const PROGRAM = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Starts the process of a node with the least permissions of its role. */
export function startNodeProcess(
  { process }: Machine,
  state: ClusterState,
  folder: string,
  node: ClusterNode,
): StartedChild {
  const flags = permissionFlags(node.role, {
    data: node.data,
    reads: readsOf(folder, state, node.id),
    // Controllers that join later have ports that nobody knows yet.
    net: [HOST],
    files: state.files,
    program: PROGRAM,
  });
  const args = ["run", ...flags, CLI, node.role, "--config", node.config, "--json"];
  return process.children.start(process.children.program, args, node.log);
}

/** How a node's process is. */
export async function processState(
  { env }: Machine,
  node: ClusterNode,
): Promise<{ readonly state: ProcessState; readonly pid: number | null }> {
  const pid = await holderOf(env.disk, node.data);
  if (pid === null) return { state: "stopped", pid };
  const ready = await readReadiness(env.disk, node.data);
  return { state: ready?.pid === pid ? "ready" : "starting", pid };
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
  const pid = await livingPid(machine, node);
  return pid !== null && machine.process.children.signal(pid, signal);
}

/** Ends a node's process in order, or at once where it takes too long; says how it went. */
export async function stopNode(
  machine: Machine,
  node: ClusterNode,
): Promise<"wasStopped" | "stopped" | "killed"> {
  const { children } = machine.process;
  const pid = await livingPid(machine, node);
  if (pid === null) return "wasStopped";
  children.signal(pid, "SIGTERM");
  // One that was stopped (SIGSTOP) takes SIGTERM only once it goes on.
  children.signal(pid, "SIGCONT");
  if (await awaitEnd(machine, node, pid, cliLimits.clusterStopMs)) return "stopped";
  children.signal(pid, "SIGKILL");
  await awaitEnd(machine, node, pid, cliLimits.clusterLockMs);
  return "killed";
}

/** Whether the process has ended within the time. */
async function awaitEnd(
  { env, process }: Machine,
  node: ClusterNode,
  pid: number,
  withinMs: number,
): Promise<boolean> {
  const endMs = env.clock.monotonic() + withinMs;
  while (await isHeld(env.disk, node.data)) {
    if (env.clock.monotonic() >= endMs) return false;
    await pause(env);
  }
  // Its last moments; one that nobody has waited for keeps its id for longer.
  const goneMs = env.clock.monotonic() + cliLimits.clusterGoneMs;
  while (process.children.exists(pid) && env.clock.monotonic() < goneMs) await pause(env);
  return true;
}

/**
 * The living process of a node. It holds its folder, which no other process with its id does: ids of
 * ended processes are given to others. One that was just started may not hold it yet: that is waited for.
 */
async function livingPid({ env, process }: Machine, node: ClusterNode): Promise<number | null> {
  for (;;) {
    const holder = await holderOf(env.disk, node.data);
    if (holder !== null || node.startedMs === null) return holder;
    const isYoung = env.clock.now() - node.startedMs < cliLimits.clusterLockMs;
    if (!isYoung || (node.pid !== null && !process.children.exists(node.pid))) return null;
    await pause(env);
  }
}

function pause(env: Env): Promise<void> {
  return new Promise((resolve) => void env.timers.after(cliLimits.clusterPollMs, resolve));
}
