/** What a leader does for its group without being asked. */

import type { Env } from "../env/env.ts";
import { encodeCommand } from "./command_codec.ts";
import type { RaftEvent } from "./core/outputs.ts";
import type { RaftStatus } from "./core/status.ts";
import type { RaftLimits } from "./limits.ts";
import { expireSessions } from "./session_expiry.ts";
import type { SessionCommand, SessionsState } from "./sessions.ts";
import { raiseVersion } from "./version_raising.ts";

/** What of a member it takes. */
interface CaredFor {
  readonly state: SessionsState<unknown>;
  status(): RaftStatus;
  subscribe(listener: (event: RaftEvent) => void): () => void;
  propose(data: Uint8Array, durability: "quorum", withinMs: number): Promise<unknown>;
}

/**
 * Ends sessions that nobody uses, and takes the group on to `current`, until the function it returns is
 * called.
 */
export function careFor(
  env: Env,
  group: string,
  limits: RaftLimits,
  current: number,
  member: CaredFor,
): () => void {
  const status = () => member.status();
  const propose = (command: SessionCommand<never>) =>
    member.propose(encodeCommand(command), "quorum", limits.withinMs);
  const state = () => member.state;
  const endExpiry = expireSessions({
    ...{ env, limits, state, propose },
    leads: () => status().role === "leader",
  });
  const endRaising = raiseVersion({
    ...{ env, group, limits, current, status, propose },
    inForce: () => state().version,
    subscribe: (listener) => member.subscribe(listener),
  });
  return () => {
    endExpiry();
    endRaising();
  };
}
