/** The typed error of an agent's own part: what is not the failure of a transfer. */

import { QuorusError } from "../../runtime/base/errors.ts";

/**
 * `badAnswer`: a controller has answered what was not asked; `locked`: another process works in the folder; `badVolume`: a path is no volume; `refused`: an order or
 * a registration is not taken; `stopped`: the agent stops, and what was asked may have happened;
 * `worker`: a Worker cannot be started, or has ended by itself.
 */
export type AgentErrorCode =
  | "locked"
  | "unusable"
  | "badVolume"
  | "refused"
  | "badAnswer"
  | "stopped"
  | "worker";

/** What an agent, or the controllers' side of it, could not do. */
export class AgentError extends QuorusError<AgentErrorCode> {
  override readonly name = "AgentError";
}
