/** The actions at the end of a run, in a cluster: performed by an agent that reaches the files. */

import type { Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { Job } from "../job/record.ts";
import type { Candidate, Candidates } from "../scheduler/candidates.ts";
import type { ActionFacts, Actions, FileAction } from "../workflow/actions.ts";

/** Nobody can perform an action. */
export class ActionError extends QuorusError<"noAgent"> {
  override readonly name = "ActionError";
}

/** Actions that are sent to agents; `agents` gives each by its name. */
export function fleetActions(
  candidates: Candidates,
  agents: (id: string) => Ref<typeof Agent>,
  withinMs: number,
): Actions {
  return {
    perform: async (action, failedJobs, signal): Promise<ActionFacts> => {
      const agent = chosen(candidates.list(), action, failedJobs);
      const body = { action, failedJobs: [...failedJobs] };
      return await agents(agent).ask("perform", body, { withinMs, signal });
    },
  };
}

/** One that works, and holds the volumes of what is to be touched; first who had the jobs. */
function chosen(
  agents: readonly Candidate[],
  action: FileAction,
  failedJobs: readonly Job[],
): string {
  const able = agents.filter(({ status, isSuspect }) => status === "active" && !isSuspect);
  const paths = action.type === "cleanup" ? [action.target] : failedJobs.flatMap(localPaths);
  const holders = able.filter((agent) => paths.every((path) => holds(agent, path)));
  const found = holders[0]?.agent;
  if (found !== undefined) return found;
  throw new ActionError(
    "noAgent",
    `perform ${action.type}: no agent that answers holds ${paths.join(", ")}; ` +
      "start one with that volume, and repeat the action by hand",
  );
}

function localPaths({ spec }: Job): string[] {
  const uri = URL.parse(spec.destination.uri);
  return uri?.protocol === "file:" ? [decodeURIComponent(uri.pathname)] : [];
}

function holds({ volumes }: Candidate, path: string): boolean {
  if (volumes === null) return true;
  return volumes.some((volume) =>
    !volume.readOnly && (path === volume.path || path.startsWith(withSlash(volume.path)))
  );
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
