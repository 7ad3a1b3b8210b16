/** Trying again: a job that waits goes on; what has ended without success becomes a run of its own. */

import { read, write } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { reasonBody } from "../schemas.ts";
import { runIdOf } from "../submission.ts";
import { accepted, type Action, actionRoute, reasonOf } from "./actions.ts";

const DESCRIPTION =
  "What has ended becomes a new run, which says `retryOf`: of a run it has what succeeded and does the " +
  "rest, of a job it is that one transfer. It may have been archived. `href` names the new one.";

/** Adds `POST /v1/{noun}s/{id}/retry`. */
export function addRetry(
  api: Api,
  gateway: Gateway,
  { noun, tag, summary }: Omit<Action, "action">,
): void {
  api.add({
    ...actionRoute({ noun, tag, action: "retry", summary }),
    description: DESCRIPTION,
    handle: async (call) => {
      const { why } = jsonBody(call.request, call.text, reasonBody, { isOptional: true });
      const { id } = call.params;
      const { name, isOpen } = await look(gateway, call, noun, id);
      if (noun === "job" && isOpen) {
        const intent = { intent: "run", why: why ?? reasonOf("retry", call) } as const;
        const index = await write(gateway, call, { type: "intendJob", jobId: id, ...intent });
        return accepted(index, `/v1/jobs/${id}`);
      }
      const runId = runIdOf(gateway.env.hash, { name }, call.keyed.key, 0);
      const index = await write(gateway, call, { type: "retry", of: { kind: noun, id }, runId });
      return accepted(index, noun === "job" ? `/v1/jobs/${runId}-1` : `/v1/runs/${runId}`);
    },
  });
}

async function look<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  noun: Action["noun"],
  id: string,
): Promise<{ readonly name: string; readonly isOpen: boolean }> {
  if (noun === "run") {
    const { found } = await read(gateway, call, "linearizable", { type: "run", runId: id });
    return { name: found.run.name, isOpen: found.run.endedMs === null };
  }
  const { found } = await read(gateway, call, "linearizable", { type: "job", jobId: id });
  return { name: found.job.name, isOpen: found.job.endedMs === null };
}
