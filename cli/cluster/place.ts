/**
 * Which cluster a verb of `quorus cluster` is about: `--server` or `--dir` says it; else QUORUS_SERVER, if
 * it is set (it is not seen by `deno task cluster`, whose environment is empty); else the local cluster
 * in the usual folder.
 */

import type { Disk } from "../../runtime/env/env.ts";
import { CliError } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import { CLUSTER_DIRECTORY } from "../options.ts";
import type { Process } from "../process.ts";
import type { RemoteOptions } from "../remote/session.ts";
import { requireCluster } from "./state_file.ts";

/** The options that say it. */
export interface PlaceOptions extends RemoteOptions {
  /** The folder of a local cluster. */
  readonly dir?: string;
}

/** The folder of a local cluster; `null`: gateways that the options or the environment name. */
export function localFolder(process: Process, { server, dir }: PlaceOptions): string | null {
  if (server !== undefined && dir !== undefined) {
    throw new CliError("usage", "cannot use --server and --dir at once: name one cluster");
  }
  if (dir !== undefined) return absolutePath(process.cwd, dir);
  const isNamed = server !== undefined || (process.env("QUORUS_SERVER") ?? "") !== "";
  return isNamed ? null : absolutePath(process.cwd, CLUSTER_DIRECTORY);
}

/** How its gateways are reached: those of a local cluster with its admin key, unless another is given. */
export async function gatewaysOf(
  process: Process,
  disk: Disk,
  options: PlaceOptions,
): Promise<RemoteOptions> {
  const folder = localFolder(process, options);
  if (folder === null) return options;
  const { nodes, adminKeyFile } = await requireCluster(disk, folder);
  const places = nodes.flatMap(({ role, place }) => role === "gateway" ? [place] : []);
  if (places.length === 0) {
    throw new CliError("usage", `cannot ask the cluster in ${folder}: it has no gateway`);
  }
  const server = places.map((place) => `http://${place}`).join(",");
  const hasKey = options.key !== undefined || options.keyFile !== undefined;
  return { ...options, server, ...(hasKey ? {} : { keyFile: adminKeyFile }) };
}
