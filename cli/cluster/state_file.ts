/** What `cluster up` has made: which nodes there are, where they keep what, how they are reached. */

import { z } from "zod";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { Disk } from "../../runtime/env/env.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { writeWhole } from "../roles/data_folder.ts";

/** A cluster of local processes that cannot be used as it was asked for. */
export class ClusterError extends QuorusError<
  "noCluster" | "noNode" | "exists" | "notReady" | "running"
> {
  override readonly name = "ClusterError";
}

const clusterNode = z.strictObject({
  id: z.string(),
  role: z.enum(["controller", "agent", "gateway"]),
  config: z.string(),
  data: z.string(),
  log: z.string(),
  /** Where it listens: `host:port`; null for agents. */
  place: z.string().nullable(),
  /** Where the Raft of a controller listens: `host:port`; null elsewhere, and where it has no thread of its own. */
  raft: z.string().nullable().default(null),
  /** Where it tells its metrics: `host:port`; null in clusters that were made before it did. */
  metrics: z.string().nullable().default(null),
  /** Of the process that was started last; null where that was ended, or is about to start. */
  pid: z.number().int().nullable(),
  /** When it was started; null where it was ended. */
  startedMs: z.number().nullable(),
});

const clusterState = z.strictObject({
  version: z.literal(1),
  isEncrypted: z.boolean(),
  /** Where transfers may read and write; null: anywhere. */
  files: z.array(z.string()).nullable(),
  adminKeyFile: z.string(),
  nodes: z.array(clusterNode),
});

/** One node. */
export type ClusterNode = z.infer<typeof clusterNode>;

/** See the file's comment. */
export type ClusterState = z.infer<typeof clusterState>;

const NAME = "cluster.json";

/** The state of the cluster in a folder; `null` where there is none. */
export async function readCluster(disk: Disk, folder: string): Promise<ClusterState | null> {
  const path = `${folder}/${NAME}`;
  if (await disk.stat(path) === null) return null;
  const what = "the state of the cluster";
  const text = await readTextFile(disk, path, what, cliLimits.configFileBytes);
  return clusterState.parse(JSON.parse(text));
}

/** The same; ClusterError `noCluster` where there is none. */
export async function requireCluster(disk: Disk, folder: string): Promise<ClusterState> {
  const state = await readCluster(disk, folder);
  if (state !== null) return state;
  throw new ClusterError(
    "noCluster",
    `there is no cluster in ${folder}: start one with deno task cluster up, or name another --dir`,
  );
}

/** Writes the state in one step. */
export async function writeCluster(
  disk: Disk,
  folder: string,
  state: ClusterState,
): Promise<void> {
  await writeWhole(disk, `${folder}/${NAME}`, `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** A node by its id; ClusterError `noNode`. */
export function nodeOf(state: ClusterState, id: string): ClusterNode {
  const node = state.nodes.find((one) => one.id === id);
  if (node !== undefined) return node;
  const ids = state.nodes.map((one) => one.id).join(", ");
  throw new ClusterError("noNode", `there is no node "${id}" in this cluster: it has ${ids}`);
}
