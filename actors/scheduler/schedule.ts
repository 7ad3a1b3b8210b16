/**
 * The scheduling policy as a pure function of what is known: who gets which job now.
 *
 * 1. Each `overdueMs` the longest waiting job of a tenant goes first, whatever ranks above it. If its hosts
 *    or agents are busy, it holds what it can get of the hosts; an agent's slot never stays idle for it.
 * 2. Then class by class, the most urgent first; who waits rises by a class each `ageMs`.
 * 3. Within a class the tenant that has used least goes first (`Book.use`), and of its jobs the one that
 *    has waited longest.
 * 4. The job goes to the closest, least loaded agent that can take it (`placing.ts`); where nobody reaches
 *    both of its ends, to two that do together (`relaying.ts`).
 *
 * A bucket of alike jobs that has no agent or no host left is out for the rest of the pass, so that the cost
 * is that of the buckets and of what is assigned, never of all pairs of jobs and agents.
 */

import { overdueFirst } from "./overdue.ts";
import { type Assignment, Pass, type PassInput } from "./pass.ts";

/** What should be proposed now. */
export interface Schedule {
  readonly assignments: readonly Assignment[];
  /** Tenants whose overdue job went first in this pass. */
  readonly overdueServed: readonly string[];
  /** When waiting alone will make another job ready; null: only events can. */
  readonly wakeAtMs: number | null;
}

/** Decides; changes nothing of its input. */
export function schedule(input: PassInput): Schedule {
  const { fleet, queue } = input;
  const wakeAtMs = queue.wakeAtMs;
  if (fleet.freeSlots === 0 || queue.tenants.size === 0) {
    return { assignments: [], overdueServed: [], wakeAtMs };
  }
  const pass = new Pass(input);
  const overdueServed = overdueFirst(input, pass);
  pass.byClass();
  return { assignments: pass.assignments, overdueServed, wakeAtMs };
}
