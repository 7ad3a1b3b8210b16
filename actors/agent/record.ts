/** An agent as the replicated state knows it. Liveness, capacity and metrics are the leader's alone. */

import type { Registration } from "./registration.ts";

/**
 * Where an agent stands (`life.ts` has the table). `initializing` and `registering` are known to the agent
 * alone; `active` is shown as `working` or `idle` by the leases it holds.
 */
export type AgentStatus = "active" | "draining" | "unhealthy" | "failed" | "deregistered";

/** One agent. Immutable; every change is a new value. */
export interface AgentRecord {
  readonly id: string;
  readonly registration: Registration;
  readonly status: AgentStatus;
  /** Why it stands there, for people. */
  readonly why: string;
  /** In maintenance until this time; `null`: not, or without an end. */
  readonly untilMs: number | null;
  readonly registeredMs: number;
  readonly changedMs: number;
  /** The index of the last command that changed it. */
  readonly version: number;
}
