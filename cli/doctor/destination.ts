/** Looks at a local directory as a destination, by doing in it what publishing does. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { Disk, Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { freeBytes } from "../../runtime/env/real/space.ts";
import { directoryOf } from "../input/text_file.ts";
import { bad, fact, type Finding, good } from "./finding.ts";

const PROBE_BYTES = 4_096;
const NAME_BYTES = 6;

/** Writes, syncs, renames and removes a file of 4 KiB in the directory of `path`. */
export async function examineDestination(path: string, env: Env): Promise<Finding[]> {
  const { disk } = env;
  const standing = await disk.stat(path);
  const directory = standing?.kind === "directory" ? path : directoryOf(path);
  if ((await disk.stat(directory))?.kind !== "directory") return await missing(disk, directory);
  const findings: Finding[] = [
    standing?.kind === "file"
      ? fact("exists", `${formatBytes(standing.size)}; the conflict policy decides`)
      : good("directory", directory),
  ];
  findings.push(...await tryPublishing(directory, env));
  findings.push(await spaceFinding(directory));
  return findings;
}

/** `createDirectories` would make it, if something above it can be written. */
async function missing(disk: Disk, directory: string): Promise<Finding[]> {
  let above = directory;
  while (above !== "/" && await disk.stat(above) === null) above = directoryOf(above);
  const detail = `${directory} does not exist; createDirectories would make it below ${above}`;
  if ((await disk.stat(above))?.kind === "directory") return [fact("directory", detail)];
  const message = `cannot use ${directory}: ${above} is not a directory; name another place`;
  return [bad("directory", new DiskError("notDirectory", message))];
}

async function tryPublishing(directory: string, env: Env): Promise<Finding[]> {
  const { disk, random, clock } = env;
  const name = `${directory}/.quorus-doctor-${random.bytes(NAME_BYTES).toHex()}`;
  const [temp, final] = [`${name}.part`, `${name}.done`];
  const findings: Finding[] = [];
  const step = async (check: string, detail: string, work: () => Promise<void>) => {
    const startedMs = clock.monotonic();
    try {
      await work();
      const took = formatDuration(clock.monotonic() - startedMs);
      findings.push(good(check, `${detail} (${took})`));
      return true;
    } catch (thrown) {
      findings.push(bad(check, thrown));
      return false;
    }
  };
  const isWritten = await step("writable", "a file can be written and synced", async () => {
    const file = await disk.open(temp, { write: true, createNew: true, mode: 0o600 });
    try {
      await file.write(new Uint8Array(PROBE_BYTES), 0);
      await file.sync();
    } finally {
      await file.close();
    }
  });
  const isRenamed = isWritten && await step("rename", "published on one file system", async () => {
    await disk.link(temp, final);
    await disk.remove(temp);
  });
  if (isRenamed) {
    await step("directory sync", "names are durable", () => disk.syncDirectory(directory));
  }
  await removeIfThere(disk, temp);
  await removeIfThere(disk, final);
  return findings;
}

async function removeIfThere(disk: Disk, path: string): Promise<void> {
  if (await disk.lstat(path) !== null) await disk.remove(path);
}

async function spaceFinding(directory: string): Promise<Finding> {
  try {
    const bytes = await freeBytes(directory);
    if (bytes > 0) return good("space", `${formatBytes(bytes)} free`);
    const message = `there is no space left at ${directory}; free some`;
    return bad("space", new DiskError("noSpace", message));
  } catch (thrown) {
    return fact("space", thrown instanceof Error ? thrown.message : String(thrown));
  }
}
