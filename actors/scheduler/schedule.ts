/**
 * The scheduling policy as a pure function: who gets which job, and why the others wait.
 *
 * One embedded agent needs no more than order and slots; location, load, affinity and fairness join
 * as further terms of the same function.
 */

/** A job that wants an agent. */
export interface Waiting {
  readonly jobId: string;
  /** Jobs are taken in this order: that of their submission. */
  readonly order: number;
  /** Not before this time (retries); `null`: at once. */
  readonly notBeforeMs: number | null;
}

/** An agent that may take jobs. */
export interface AgentCapacity {
  readonly agent: string;
  readonly freeSlots: number;
}

/** What should be proposed now. */
export interface Schedule {
  readonly assignments: readonly { readonly jobId: string; readonly agent: string }[];
  /** When waiting alone will make another job ready; `null` if only events can. */
  readonly wakeAtMs: number | null;
}

/** What the agents can still take, by their slots and the leases that they hold. */
export function capacities(
  slots: ReadonlyMap<string, number>,
  leases: { get(agent: string): number | undefined },
): AgentCapacity[] {
  const found: AgentCapacity[] = [];
  for (const [agent, most] of slots) {
    found.push({ agent, freeSlots: most - (leases.get(agent) ?? 0) });
  }
  return found;
}

/** Assigns waiting jobs, oldest first, to the agents with the most free slots. */
export function schedule(
  waiting: Iterable<Waiting>,
  agents: readonly AgentCapacity[],
  nowMs: number,
): Schedule {
  const free = agents.filter((one) => one.freeSlots > 0).map((one) => ({ ...one }));
  const assignments: { jobId: string; agent: string }[] = [];
  let wakeAtMs: number | null = null;
  for (const { jobId, notBeforeMs } of waiting) {
    if (notBeforeMs !== null && notBeforeMs > nowMs) {
      wakeAtMs = Math.min(wakeAtMs ?? Infinity, notBeforeMs);
      continue;
    }
    const best = mostFree(free);
    if (best === null) continue;
    best.freeSlots -= 1;
    assignments.push({ jobId, agent: best.agent });
  }
  return { assignments, wakeAtMs };
}

function mostFree(
  agents: { agent: string; freeSlots: number }[],
): { agent: string; freeSlots: number } | null {
  let best: { agent: string; freeSlots: number } | null = null;
  for (const one of agents) {
    if (one.freeSlots > (best?.freeSlots ?? 0)) best = one;
  }
  return best;
}
