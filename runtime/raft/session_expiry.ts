/** Ends client sessions that nobody uses: the leader proposes it, the log decides. */

import type { Env, TimerHandle } from "../env/env.ts";
import type { RaftLimits } from "./limits.ts";
import { dueExpiry, type SessionCommand, type SessionsState } from "./sessions.ts";

/** What it needs of a member. */
export interface ExpiryParts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly limits: Pick<RaftLimits, "sessionIdleMs" | "expiryParts" | "expiryMaxMs">;
  readonly leads: () => boolean;
  readonly state: () => SessionsState<unknown>;
  readonly propose: (command: SessionCommand<never>) => Promise<unknown>;
}

/** Looks after sessions until the function it returns is called. */
export function expireSessions({ env, limits, leads, state, propose }: ExpiryParts): () => void {
  const { sessionIdleMs: idleMs, expiryParts, expiryMaxMs } = limits;
  const pauseMs = Math.min(expiryMaxMs, Math.ceil(idleMs / expiryParts));
  let timer: TimerHandle;
  const look = (): void => {
    timer = env.timers.after(pauseMs, look);
    if (!leads()) return;
    const due = dueExpiry(state(), idleMs, env.clock.now());
    // Who fails to propose it now proposes it again at the next look.
    if (due !== null) propose(due).catch(() => {});
  };
  timer = env.timers.after(pauseMs, look);
  return () => timer.cancel();
}
