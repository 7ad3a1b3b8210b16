/**
 * rclone as a contestant. It verifies by size and mtime, and by a hash where both ends tell one for nothing;
 * it writes below the final name of some servers, and reads and writes several parts of a large file at once.
 */

import { command } from "./command.ts";
import type { Contestant, Work } from "./contest.ts";

/** A server as rclone is told of it. */
export interface Remote {
  /** How a folder of the server is written. */
  place(far: string): string;
  readonly env: Record<string, string>;
  readonly flags: readonly string[];
}

/** A remote of this type with these settings, whose folders are below `root`. */
export function remoteOf(
  type: string,
  settings: Readonly<Record<string, string>>,
  root: string,
  flags: readonly string[] = [],
): Remote {
  const all = Object.entries({ type, ...settings });
  return {
    place: (far) => `s:${root}${far}`,
    env: Object.fromEntries(
      all.map(([key, value]) => [`RCLONE_CONFIG_S_${key}`.toUpperCase(), value]),
    ),
    flags: ["--config", "/dev/null", ...flags],
  };
}

/** What is otherwise with some servers. */
export interface RcloneOptions {
  /** Whether the server tells its names; it does unless told. */
  readonly isListed?: boolean;
  /** For small files only. */
  readonly smallFlags?: readonly string[];
}

/** Copies whatever there is already. */
export function rclone(
  remote: Remote,
  filesAtOnce: number,
  { isListed = true, smallFlags = [] }: RcloneOptions = {},
): Contestant {
  return {
    copy: async (work) => {
      const count = String(filesAtOnce);
      const names = isListed ? null : await nameList(work);
      await command("rclone", [
        ...remote.flags,
        ...(work.size === "small" ? smallFlags : []),
        ...["--ignore-times", "--no-traverse", "--transfers", count, "--checkers", count],
        ...(names === null ? [] : ["--files-from-raw", names]),
        ...endsOf(remote, work, isListed),
      ], remote.env);
      if (names !== null) await Deno.remove(names);
    },
  };
}

function endsOf(
  remote: Remote,
  { direction, near, far, names }: Work,
  isListed: boolean,
): string[] {
  const ends = direction === "get" ? [remote.place(far), near] : [near, remote.place(far)];
  if (names.length > 1 || !isListed) return ["copy", ...ends];
  return ["copyto", ...ends.map((end) => `${end}/${names[0]}`)];
}

async function nameList({ names, near }: Work): Promise<string> {
  const path = `${near}.names`;
  await Deno.writeTextFile(path, names.join("\n"));
  return path;
}
