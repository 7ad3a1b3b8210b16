/** Removing a local cluster: only what `cluster up` has made, never what else stands in its folder. */

import type { Disk } from "../../runtime/env/env.ts";
import type { Cluster } from "./up.ts";

/** Removes the folders of its nodes and its own files; then the folder, if nothing else is in it. */
export async function removeCluster(disk: Disk, { folder, state }: Cluster): Promise<void> {
  for (const { id } of state.nodes) await removeTree(disk, `${folder}/${id}`);
  await removeTree(disk, `${folder}/pki`);
  for (const name of ["token", "admin.key", "prometheus.yml", "cluster.json"]) {
    if (await disk.lstat(`${folder}/${name}`) !== null) await disk.remove(`${folder}/${name}`);
  }
  if ((await disk.readDirectory(folder)).length === 0) await disk.remove(folder);
}

async function removeTree(disk: Disk, path: string): Promise<void> {
  if (await disk.lstat(path) === null) return;
  for (const entry of await disk.readDirectory(path)) {
    const inner = `${path}/${entry.name}`;
    if (entry.kind === "directory") await removeTree(disk, inner);
    else await disk.remove(inner);
  }
  await disk.remove(path);
}
