/** The reducer of agents: one that is lost, has failed or has left holds no lease any more. */

import { type AgentEvent, agentLife } from "../agent/life.ts";
import type { AgentRecord } from "../agent/record.ts";
import type { Job } from "../job/record.ts";
import { type JobEvent, lifecycle } from "../job/lifecycle.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { type Applied, type Effect, refuse } from "./applied.ts";
import { type State, withJob } from "./state.ts";

/** The state after something happened to an agent. */
export function applyAgent(state: State, id: string, event: AgentEvent): Applied {
  const before = state.agents.get(id) ?? null;
  const next = agentLife(id, before, event, state.nowMs);
  if ("refused" in next) return refuse(state, next.refused);
  const agent = { ...next, version: state.index };
  const changed: Effect = { type: "agentChanged", agent, before };
  const agents = withoutLongGone(state.agents.set(id, agent), event);
  const known = { ...state, agents };
  const loss = lossOf(before, agent);
  if (loss === null) return { state: known, effects: [changed], refused: [] };
  const taken = takeLeases(known, id, loss);
  return { ...taken, effects: [changed, ...taken.effects] };
}

/**
 * Of agents that have left only the last so many are remembered, so that machines that come and go under
 * new names do not fill the state. Every controller counts alike: the number is no setting.
 */
function withoutLongGone(agents: State["agents"], event: AgentEvent): State["agents"] {
  if (event.type !== "deregister") return agents;
  const gone = [...agents.values()].filter(({ status }) => status === "deregistered");
  const tooMany = gone.length - ACTOR_LIMITS.departedAgents.value;
  if (tooMany <= 0) return agents;
  gone.sort((a, b) => a.changedMs - b.changedMs || a.version - b.version || (a.id < b.id ? -1 : 1));
  return gone.slice(0, tooMany).reduce((left, { id }) => left.delete(id), agents);
}

/** What becomes of an agent's leases; null: they go on. */
function lossOf(before: AgentRecord | null, agent: AgentRecord): JobEvent | null {
  if (agent.status === "unhealthy" || agent.status === "failed") {
    return { type: "lose", why: `agent ${agent.id}: ${agent.why}` };
  }
  if (agent.status === "deregistered") {
    return { type: "lose", why: `agent ${agent.id} has left: ${agent.why}` };
  }
  const was = before?.registration.incarnation;
  // A new life of its process: whatever the old one held, nobody works on it.
  if (was !== undefined && was !== agent.registration.incarnation) {
    return { type: "lose", why: `agent ${agent.id} was started again` };
  }
  return null;
}

function takeLeases(state: State, agent: string, event: JobEvent): Applied {
  let at = state;
  const effects: Effect[] = [];
  for (const before of heldBy(state, agent)) {
    const lost = lifecycle(before, event, state.nowMs);
    if ("refused" in lost) continue;
    const job = { ...lost, version: state.index };
    at = withJob(at, before, job);
    effects.push({ type: "jobChanged", job, before });
  }
  return { state: at, effects, refused: [] };
}

/** The jobs whose leases an agent has. */
export function heldBy(state: State, agent: string): Job[] {
  const jobs = state.load.held.get(agent);
  return jobs === undefined ? [] : [...jobs.keys()].map((jobId) => state.jobs.get(jobId)!);
}
