/** `quorus cluster up|status|kill|restart|down`: a cluster of local processes to try things on. */

import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import { CLUSTER_DIRECTORY } from "../options.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import type { Process, SentSignal } from "../process.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { tableLines } from "../show/table.ts";
import { addNode } from "../cluster/new_node.ts";
import { awaitReady, signalNode } from "../cluster/processes.ts";
import { restartNode, rollingRestart } from "../cluster/rolling.ts";
import { type ClusterNode, nodeOf, requireCluster } from "../cluster/state_file.ts";
import { localFolder, type PlaceOptions } from "../cluster/place.ts";
import {
  checkCount,
  type Cluster,
  fileRoots,
  nodeRows,
  prepareCluster,
  startAll,
  startRecorded,
  stopAll,
} from "../cluster/up.ts";

/** What every verb on a local cluster is told. */
export interface ClusterOptions {
  readonly dir: string;
  readonly output: OutputFormat;
}

/** The options of `cluster up`. */
export interface ClusterUpOptions extends ClusterOptions {
  readonly controllers: number;
  readonly agents: number;
  readonly gateways: number;
  readonly files?: readonly string[];
  readonly set?: readonly string[];
  readonly plain?: boolean;
}

/** Starts a cluster and says how to use it. Interrupted or failed, it leaves nothing running. */
export async function clusterUpVerb(
  process: Process,
  options: ClusterUpOptions,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const interrupt = takeInterrupts(process);
    const stop = new AbortController();
    void interrupt.requested.then((signal) => stop.abort(signal));
    try {
      const { controllers, agents, gateways } = options;
      const files = fileRoots(process.cwd, options.files ?? []);
      const settings = assignments(options.set ?? []);
      const shape = {
        controllers,
        agents,
        gateways,
        files,
        settings,
        isEncrypted: options.plain !== true,
      };
      checkCount(shape);
      const folder = absolutePath(process.cwd, options.dir);
      const machine = { env: session.env, process };
      const { cluster } = await prepareCluster(machine, folder, shape);
      process.err(`starting ${cluster.state.nodes.length} processes in ${folder}\n`);
      await startAll(cluster, stop.signal);
      await tellCluster(session, cluster, options.output);
      return EXIT.ok;
    } catch (error) {
      if (interrupt.signal !== null) return EXIT.interrupted;
      throw error;
    } finally {
      interrupt.dispose();
    }
  });
}

/** `a.b=1` as `{a: {b: "1"}}`; the roles say whether there is such a setting. */
function assignments(given: readonly string[]): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1) throw new CliError("usage", `cannot use --set ${text}: write --set KEY=VALUE`);
    const keys = text.slice(0, at).split(".");
    let inner = settings;
    for (const key of keys.slice(0, -1)) {
      const deeper = (inner[key] ?? {}) as Record<string, unknown>;
      inner[key] = deeper;
      inner = deeper;
    }
    inner[keys.at(-1)!] = text.slice(at + 1);
  }
  return settings;
}

async function tellCluster(
  session: Session,
  cluster: Cluster,
  output: OutputFormat,
): Promise<void> {
  await showNodes(session, cluster, output);
  if (output !== "table") return;
  session.process.out(`${useLines(session.process, cluster).join("\n")}\n`);
}

/** What to type next, as it works from a clone of the repository. */
function useLines({ cwd }: Process, { state, folder }: Cluster): string[] {
  const dir = folder === absolutePath(cwd, CLUSTER_DIRECTORY) ? "" : ` --dir ${folder}`;
  const care = [`deno task cluster kill c1${dir}`, `deno task cluster status${dir}`];
  const places = state.files?.join(" and ") ?? "any folder";
  const lines = [
    "",
    `The cluster is in ${folder}; its transfers may read and write in ${places}.`,
    `End it with: deno task cluster down${dir}`,
    "",
  ];
  const http = state.nodes.find(({ role }) => role === "gateway")?.place ?? null;
  if (http === null) return [...lines, ...care.map((command) => `  ${command}`)];
  const isHere = state.files === null || state.files.includes(absolutePath(cwd, "."));
  const commands = [
    `export QUORUS_SERVER=http://${http} QUORUS_API_KEY_FILE=${state.adminKeyFile}`,
    "deno task quorus get agents",
    ...(isHere
      ? ["deno task quorus submit examples/14_cluster.yaml --var FOLDER=$PWD --wait"]
      : ["deno task quorus describe cluster"]),
    "deno task quorus get jobs",
    ...care.slice(0, 1),
  ];
  return [...lines, ...commands.map((command) => `  ${command}`)];
}

/** A cluster at a gateway as its controllers see it; the processes of a local one, exit 1 unless all are ready. */
export async function clusterStatusVerb(
  process: Process,
  options: PlaceOptions & { readonly output: OutputFormat; readonly stale?: boolean },
): Promise<ExitCode> {
  const dir = localFolder(process, options);
  if (dir === null) {
    const { remoteStatusVerb } = await import("./cluster_members.ts");
    return await remoteStatusVerb(process, options);
  }
  return await withCluster(process, { dir, output: options.output }, async (session, cluster) => {
    const rows = await showNodes(session, cluster, options.output);
    return rows.every(({ state }) => state === "ready") ? EXIT.ok : EXIT.failed;
  });
}

async function showNodes({ process, outPaint }: Session, cluster: Cluster, output: OutputFormat) {
  const rows = await nodeRows(cluster);
  if (output !== "table") {
    const { dataText } = await import("../show/data.ts");
    const { adminKeyFile } = cluster.state;
    process.out(dataText({ folder: cluster.folder, adminKeyFile, nodes: rows }, output));
    return rows;
  }
  const columns = ["NODE", "ROLE", "STATE", "PID", "ADDRESS", "METRICS", "LOG"].map((title) => ({
    title,
  }));
  const cells = rows.map(({ node, role, state, pid, place, metrics, log }) => [
    node,
    role,
    state,
    pid === null ? "-" : String(pid),
    place ?? "-",
    metrics ?? "-",
    log,
  ]);
  process.out(`${tableLines(columns, cells, outPaint).join("\n")}\n`);
  return rows;
}

/** Sends a signal to one node: SIGKILL unless told. Exit 1 where it does not run. */
export async function clusterKillVerb(
  process: Process,
  id: string,
  options: ClusterOptions & { readonly signal: SentSignal },
): Promise<ExitCode> {
  return await withCluster(process, options, async (_session, { machine, state }) => {
    const node = nodeOf(state, id);
    if (await signalNode(machine, node, options.signal)) {
      process.out(`${id} got ${options.signal}\n`);
      return EXIT.ok;
    }
    process.err(`quorus: ${id} does not run\n`);
    return EXIT.failed;
  });
}

/** Makes one more node of a local cluster, and starts it; a controller is added to the group by `add`. */
export async function clusterNewVerb(
  process: Process,
  id: string,
  options: ClusterOptions & { readonly role: ClusterNode["role"] },
): Promise<ExitCode> {
  return await withCluster(process, options, async (_session, cluster) => {
    const node = await addNode(cluster, options.role, id);
    const child = await startRecorded(cluster, node);
    await awaitReady(cluster.machine, node, child, new AbortController().signal);
    process.out(`${options.role} ${id} is ready (pid ${child.pid})\n`);
    if (node.role === "controller") process.out(`let it vote: deno task cluster add ${id}\n`);
    return EXIT.ok;
  });
}

/** Ends one node in order and starts it again; with `all` every node, one after the other. */
export async function clusterRestartVerb(
  process: Process,
  id: string | null,
  options: ClusterOptions & { readonly all?: boolean },
): Promise<ExitCode> {
  if ((id === null) !== (options.all === true)) {
    throw new CliError("usage", "cannot restart: name a node, or say --all");
  }
  return await withCluster(process, options, async (_session, cluster) => {
    if (id === null) return await restartAll(process, cluster, options.output);
    const { pid } = await restartNode(cluster, nodeOf(cluster.state, id));
    process.out(`${id} is ready (pid ${pid})\n`);
    return EXIT.ok;
  });
}

async function restartAll(
  process: Process,
  cluster: Cluster,
  output: OutputFormat,
): Promise<ExitCode> {
  const interrupt = takeInterrupts(process);
  const stop = new AbortController();
  void interrupt.requested.then((signal) => stop.abort(signal));
  try {
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    const done = await rollingRestart(cluster, stop.signal, (one) => {
      if (output !== "table") return;
      const { node, drainMs, readyMs, wholeMs } = one;
      process.out(
        `${node} drained in ${seconds(drainMs)}, ready after ${seconds(readyMs)}, ` +
          `all well after ${seconds(wholeMs)}\n`,
      );
    });
    if (output !== "table") {
      const { dataText } = await import("../show/data.ts");
      process.out(dataText({ restarted: done }, output));
    }
    return EXIT.ok;
  } catch (error) {
    if (interrupt.signal !== null) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.dispose();
  }
}

/** Ends every process; with `remove` their folders go, too. */
export async function clusterDownVerb(
  process: Process,
  options: ClusterOptions & { readonly remove?: boolean },
): Promise<ExitCode> {
  return await withCluster(process, options, async ({ env }, cluster) => {
    for (const { node, how } of await stopAll(cluster)) {
      const text = how === "wasStopped" ? "did not run" : how;
      process.out(`${node} ${text}\n`);
    }
    if (options.remove === true) {
      const { removeCluster } = await import("../cluster/remove.ts");
      await removeCluster(env.disk, cluster);
      process.out(`${cluster.folder} is removed\n`);
    }
    return EXIT.ok;
  });
}

async function withCluster(
  process: Process,
  { dir }: ClusterOptions,
  work: (session: Session, cluster: Cluster) => Promise<ExitCode>,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const folder = absolutePath(process.cwd, dir);
    const state = await requireCluster(session.env.disk, folder);
    return await work(session, { machine: { env: session.env, process }, folder, state });
  });
}
