/** Ends client sessions that nobody uses: the leader proposes it, the log decides. */

import type { Env, TimerHandle } from "../env/env.ts";
import { dueExpiry, type SessionCommand, type SessionsState } from "./sessions.ts";

/** How often idle sessions are looked for, as a share of how long they may be idle, and at most. */
const SHARE = 10;
const MAX_PAUSE_MS = 60_000;

/** What it needs of a member. */
export interface ExpiryParts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly idleMs: number;
  readonly leads: () => boolean;
  readonly state: () => SessionsState<unknown>;
  readonly propose: (command: SessionCommand<never>) => Promise<unknown>;
}

/** Looks after sessions until the function it returns is called. */
export function expireSessions({ env, idleMs, leads, state, propose }: ExpiryParts): () => void {
  const pauseMs = Math.min(MAX_PAUSE_MS, Math.ceil(idleMs / SHARE));
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
