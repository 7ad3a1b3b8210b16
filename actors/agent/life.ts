/**
 * The life of an agent as one pure function: record + event -> record, or why the event does not hold.
 * `apply` is its only caller.
 */

import type { AgentRecord, AgentStatus } from "./record.ts";
import type { Registration } from "./registration.ts";

/** What can happen to an agent. */
export type AgentEvent =
  /** It has come, for the first time or again. */
  | { readonly type: "register"; readonly registration: Registration }
  /** No new jobs; those it has go on. `untilMs`: a maintenance window, over at that time. */
  | { readonly type: "drain"; readonly why: string; readonly untilMs: number | null }
  | { readonly type: "resume"; readonly why: string }
  /** It does not answer any more: its leases are over, though nobody has proved it gone. */
  | { readonly type: "lose"; readonly incarnation: string; readonly why: string }
  /** It says that it cannot work: its own disk or memory, never a bad file. */
  | { readonly type: "fail"; readonly incarnation: string; readonly why: string }
  | { readonly type: "deregister"; readonly why: string };

/** A refused event: nothing changed. */
export interface AgentRefusal {
  readonly refused: string;
}

/** From which states an event leads where. */
export const AGENT_TABLE: Readonly<
  Record<AgentEvent["type"], Readonly<Partial<Record<AgentStatus | "unknown", AgentStatus>>>>
> = {
  register: {
    unknown: "active",
    active: "active",
    // Who drains goes on draining after a restart: an operator has said so.
    draining: "draining",
    unhealthy: "active",
    failed: "active",
    deregistered: "active",
  },
  drain: { active: "draining", draining: "draining", unhealthy: "draining" },
  resume: { draining: "active", active: "active" },
  lose: { active: "unhealthy", draining: "unhealthy" },
  fail: { active: "failed", draining: "failed", unhealthy: "failed" },
  deregister: {
    active: "deregistered",
    draining: "deregistered",
    unhealthy: "deregistered",
    failed: "deregistered",
  },
};

/** The agent after `event` at `nowMs`; `before` is null for one that nobody knows yet. */
export function agentLife(
  id: string,
  before: AgentRecord | null,
  event: AgentEvent,
  nowMs: number,
): Omit<AgentRecord, "version"> | AgentRefusal {
  const from = before?.status ?? "unknown";
  const status = AGENT_TABLE[event.type][from];
  if (status === undefined) return { refused: `${event.type}: agent ${id} is ${from}` };
  if (event.type === "register") return registered(id, before, event.registration, status, nowMs);
  if (before === null) return { refused: `${event.type}: agent ${id} is unknown` };
  if ("incarnation" in event && event.incarnation !== before.registration.incarnation) {
    return { refused: `${event.type}: agent ${id} has come again since` };
  }
  const untilMs = event.type === "drain" ? event.untilMs : null;
  return { ...before, status, why: event.why, untilMs, changedMs: nowMs };
}

function registered(
  id: string,
  before: AgentRecord | null,
  registration: Registration,
  status: AgentStatus,
  nowMs: number,
): Omit<AgentRecord, "version"> {
  const drains = status === "draining";
  return {
    id,
    registration,
    status,
    why: drains ? before?.why ?? "draining" : "registered",
    untilMs: drains ? before?.untilMs ?? null : null,
    registeredMs: before?.registeredMs ?? nowMs,
    changedMs: nowMs,
  };
}
