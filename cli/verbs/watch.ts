/** `quorus watch RUN...`: shows runs of a cluster until they have ended. */

import type { ExitCode } from "../exit.ts";
import { CliError } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "../remote/session.ts";
import { targetOf } from "../remote/target.ts";
import { watchRuns, type WatchRunsOptions } from "../remote/watch_runs.ts";

/** See the file's comment; a job stands for its run. */
export async function watchVerb(
  process: Process,
  targets: readonly string[],
  options: RemoteOptions & WatchRunsOptions,
): Promise<ExitCode> {
  return await withRemote(process, options, async (remote) => {
    const ids = new Set<string>();
    for (const text of targets) {
      const { kind, id } = await targetOf(remote.quorus, text, remote.signal);
      const { signal } = remote;
      ids.add(kind === "run" ? id : (await remote.quorus.jobs.get(id, { signal })).runId);
    }
    if (ids.size === 0) throw new CliError("usage", "cannot watch: name a run");
    return await watchRuns(remote, [...ids], options);
  });
}
