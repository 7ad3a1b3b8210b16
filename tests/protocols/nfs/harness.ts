/** Situations of files on a mount, on any disk: a list of mounts says that a folder is one. */

import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { nfsProtocol } from "../../../protocols/nfs/protocol.ts";
import type { Disk, Env } from "../../../runtime/env/env.ts";
import type { Harness } from "../../conformance/harness.ts";
import { fileHarness } from "../file/harness.ts";

export const MOUNT_URI = "nfs://server/export";

/** A line of the list of mounts. */
export function mountLine(
  point: string,
  { dev = "0:1", type = "nfs4", source = "server:/export", options = "rw,vers=4.2" } = {},
): string {
  return `40 30 ${dev} / ${point} rw,relatime shared:1 - ${type} ${source} ${options}\n`;
}

/** Writes the list of mounts of a simulated machine. */
export async function setMounts(env: Env, ...lines: readonly string[]): Promise<void> {
  await env.disk.makeDirectory("/proc/self", { recursive: true });
  const options = { write: true, create: true, truncate: true };
  const file = await env.disk.open("/proc/self/mountinfo", options);
  const root = "1 0 0:99 / / rw - ext4 /dev/sda1 rw\n";
  await file.write(new TextEncoder().encode(root + lines.join("")), 0);
  await file.close();
}

/** The files of the existing folder `directory` as those of a mount of {@link MOUNT_URI}. */
export function mountHarness(
  env: Env,
  directory: string,
  { files = null, fstype = null }: { files?: Disk | null; fstype?: string | null } = {},
): Omit<Harness, "close"> {
  const local = fileHarness(env, directory);
  const mount = { uri: MOUNT_URI, path: directory, fstype };
  const uri = (name: string) => `${MOUNT_URI}/${name.split("/").map(encodeURIComponent).join("/")}`;
  return {
    ...local,
    protocol: nfsProtocol({ mounts: [mount], files }),
    source: { ...local.source!, uri },
    sink: { ...local.sink!, uri },
    directory: { ...local.directory!, uri },
  };
}

/** An endpoint on the mount. */
export function at(name: string, options: Record<string, string | number | boolean> = {}) {
  const plain = { ...plainEndpoint(`${MOUNT_URI}/${name}`), options };
  return { ...plain, createDirectories: false, root: null, sync: true };
}
