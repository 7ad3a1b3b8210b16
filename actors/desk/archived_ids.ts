/**
 * Ids of runs that have left the state for the archive: they are not given again. `apply` cannot know them,
 * so the desk looks before it proposes. In the time between a run was hot, or is in the archive by now: a
 * run rests in the state (`archiveRestMs`) for longer than a write takes.
 */

import type { ArchiveReader } from "../archive/reader.ts";
import type { Command } from "../controller/commands.ts";
import type { State } from "../controller/state.ts";
import type { WriteRequest } from "./messages.ts";

/** Whether a request would begin a run whose id an archived one has, as far as this controller has those. */
export async function namesArchived(
  request: WriteRequest,
  state: State,
  archive: Pick<ArchiveReader, "get">,
): Promise<boolean> {
  if (request.type !== "submit" || state.runs.has(request.runId)) return false;
  return await archive.get(request.runId) !== null;
}

/**
 * What is committed in its place: refused by `apply`, as there is no such run, unless it is the request that
 * began it, sent again under its key, which is answered as it was.
 */
export function nothingOf(command: Command): Command {
  if (command.type !== "createRun") return command;
  return { type: "submitJobs", runId: command.runId, jobs: [], skipped: [] };
}
