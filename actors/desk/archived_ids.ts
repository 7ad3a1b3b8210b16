/**
 * Ids of runs that have left the state for the archive: they are not given again. `apply` cannot know them,
 * so the desk looks before it proposes. In the time between a run was hot, or is in the archive by now: a
 * run rests in the state (`archiveRestMs`) for longer than a write takes.
 */

import type { ArchiveReader } from "../archive/reader.ts";
import type { Command } from "../controller/commands.ts";
import type { State } from "../controller/state.ts";
import type { WriteRequest } from "./messages.ts";

/** The run that a request would begin and that is archived, as far as this controller has those. */
export async function archivedIdOf(
  request: WriteRequest,
  state: State,
  archive: Pick<ArchiveReader, "get">,
): Promise<string | null> {
  for (const runId of begunBy(request)) {
    if (!state.runs.has(runId) && await archive.get(runId) !== null) return runId;
  }
  return null;
}

function begunBy(request: WriteRequest): readonly string[] {
  if (request.type === "submit") return [request.runId];
  return request.type === "submitAll" ? request.runs.map(({ runId }) => runId) : [];
}

/**
 * What is committed in its place: refused by `apply`, as there is no such run, unless it is the request that
 * began it, sent again under its key, which is answered as it was.
 */
export function nothingOf(runId: string): Command {
  return { type: "submitJobs", runId, jobs: [], skipped: [] };
}
