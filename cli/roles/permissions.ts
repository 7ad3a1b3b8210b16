/** The least permissions that each role needs; the tests start each with exactly these. */

import type { RoleName } from "../config/roles.ts";

/** What a role of one node reads, writes and reaches. */
export interface RoleNeeds {
  /** Where it keeps its state. */
  readonly data: string;
  /** Its configuration, certificates and secrets. */
  readonly reads: readonly string[];
  /** `host:port` of where it listens and of whom it dials. */
  readonly net: readonly string[];
  /** Where transfers may read and write, `null` for anywhere; agents only. */
  readonly files: readonly string[] | null;
  /** This program's own folder: its Workers are read from there. */
  readonly program: string;
}

/** Facts about the machine that agents report. */
const SYSTEM_FACTS = "--allow-sys=hostname,loadavg,systemMemoryInfo,networkInterfaces,cpus,statfs";

/**
 * Flags for `deno run`. Variables of the environment are not seen (`--ignore-env`), but those of
 * settings where `hasEnvironment`.
 */
export function permissionFlags(
  role: RoleName,
  needs: RoleNeeds,
  hasEnvironment = false,
): string[] {
  const carries = role === "agent" || role === "start";
  const files = carries ? needs.files : [];
  const reads = [needs.data, needs.program, ...needs.reads];
  return [
    "--no-prompt",
    "--ignore-env",
    ...(hasEnvironment ? ["--allow-env=QUORUS_*"] : []),
    files === null ? "--allow-read" : `--allow-read=${[...reads, ...files].join(",")}`,
    files === null ? "--allow-write" : `--allow-write=${[needs.data, ...files].join(",")}`,
    // Transfers go wherever their sources and destinations are.
    carries ? "--allow-net" : `--allow-net=${needs.net.join(",")}`,
    ...(carries ? [SYSTEM_FACTS] : []),
  ];
}
