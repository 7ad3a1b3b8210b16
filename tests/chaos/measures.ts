/** How well the faults were survived: availability, elections, failover, reassignment, with times. */

import { isHeld, type JobEvent } from "./feed.ts";
import type { Struck } from "./nemesis.ts";
import { AGENTS, CONTROLLERS, GATEWAY } from "./places.ts";
import { type Probed, SERVED_WITHIN_MS } from "./probe.ts";

/** Some times, in ms; null where there were none. */
export interface Spread {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** After a fault is over the door may still be behind. */
const AFTERMATH_MS = 3_000;

/** The spread of some times. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted.length === 0 ? null : Math.round(sorted[Math.ceil(share * sorted.length) - 1]!);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** The share of requests that were served in time; of all, and of those while the only door was well. */
export function availability(probed: readonly Probed[], struck: readonly Struck[]) {
  const gateway = struck.filter(({ nodes }) => nodes.includes(GATEWAY));
  const isDoorWell = ({ startedMs, endedMs }: Probed) =>
    gateway.every((one) =>
      endedMs < one.startedMs || startedMs > (one.endedMs ?? Infinity) + AFTERMATH_MS
    );
  const share = (some: readonly Probed[]) =>
    some.length === 0 ? null : some.filter(isServed).length / some.length;
  const while_ = probed.filter(isDoorWell);
  return {
    requests: probed.length,
    served: share(probed),
    servedWhileDoorWell: share(while_),
    latencyMs: spreadOf(
      while_.filter(isServed).map(({ startedMs, endedMs }) => endedMs - startedMs),
    ),
  };
}

function isServed({ seen, startedMs, endedMs }: Probed): boolean {
  return seen !== null && endedMs - startedMs <= SERVED_WITHIN_MS;
}

/** Terms that were seen to begin; those that no fault of a controller explains. */
export function elections(
  probed: readonly Probed[],
  struck: readonly Struck[],
  restarts: readonly {
    readonly node: string;
    readonly startedMs: number;
    readonly readyMs: number;
  }[],
) {
  const hits = [
    ...struck.filter(({ nodes, kind }) =>
      kind !== "agents-from-controllers" && nodes.some((node) => CONTROLLERS.includes(node))
    ),
    ...restarts.filter(({ node }) => CONTROLLERS.includes(node))
      .map(({ startedMs, readyMs }) => ({ startedMs, endedMs: readyMs })),
  ];
  const answers = probed.flatMap(({ seen, endedMs }) => seen === null ? [] : [{ ...seen, endedMs }])
    .sort((a, b) => a.endedMs - b.endedMs);
  let [terms, unexplained, term] = [0, 0, answers[0]?.term ?? 0];
  let knownMs = answers[0]?.endedMs ?? 0;
  for (const answer of answers) {
    if (answer.term > term) {
      terms += answer.term - term;
      const isExplained = hits.some(({ startedMs, endedMs }) =>
        startedMs <= answer.endedMs && (endedMs ?? Infinity) + AFTERMATH_MS >= knownMs
      );
      if (!isExplained) unexplained += 1;
      term = answer.term;
    }
    if (answer.term === term) knownMs = answer.endedMs;
  }
  return { terms, unexplained };
}

/** From a fault of the leader to the first answer under another one; where the door was well. */
export function failovers(probed: readonly Probed[], struck: readonly Struck[]): Spread {
  const door = struck.filter(({ nodes }) => nodes.includes(GATEWAY));
  const answers = probed.flatMap(({ seen, endedMs }) => seen === null ? [] : [{ ...seen, endedMs }])
    .sort((a, b) => a.endedMs - b.endedMs);
  const times = struck.flatMap(({ kind, leader, nodes, startedMs }) => {
    if (kind === "agents-from-controllers") return [];
    if (leader === null || !nodes.includes(leader)) return [];
    const before = answers.findLast(({ endedMs }) => endedMs <= startedMs);
    const after = answers.find(({ endedMs, term, leader }) =>
      endedMs > startedMs && leader !== null && term > (before?.term ?? Infinity)
    );
    if (before?.leader !== leader || after === undefined) return [];
    const wasShut = door.some((one) =>
      one.startedMs <= after.endedMs && startedMs <= (one.endedMs ?? Infinity) + AFTERMATH_MS
    );
    return wasShut ? [] : [after.endedMs - startedMs];
  });
  return spreadOf(times);
}

/** Whether nothing else was done from shortly before the fault until so long after its beginning. */
function isAlone(fault: Struck, forMs: number, struck: readonly Struck[]): boolean {
  return struck.every((other) =>
    other === fault || other.startedMs > fault.startedMs + forMs ||
    (other.endedMs ?? Infinity) + AFTERMATH_MS < fault.startedMs
  );
}

/** Jobs whose agent was hit: when somebody else had them, or their own agent again. */
export function reassignments(events: readonly JobEvent[], struck: readonly Struck[]) {
  const byJob = Map.groupBy(events, ({ jobId }) => jobId);
  const [elsewhere, undisturbed]: number[][] = [[], []];
  let resumed = 0;
  for (const fault of struck) {
    if (fault.kind === "agents-from-controllers") continue;
    for (const node of fault.nodes.filter((node) => AGENTS.includes(node))) {
      for (const history of byJob.values()) {
        const moved = movedAt(history, node, fault);
        if (moved === null) continue;
        if (moved === "resumed") resumed += 1;
        else elsewhere!.push(moved);
        if (moved !== "resumed" && isAlone(fault, moved, struck)) undisturbed!.push(moved);
      }
    }
  }
  return { elsewhere: spreadOf(elsewhere!), undisturbed: spreadOf(undisturbed!), resumed };
}

/** How long after the fault another agent had the job; null where it was not the agent's at that time. */
function movedAt(
  history: readonly JobEvent[],
  agent: string,
  { startedMs }: Struck,
): number | "resumed" | null {
  const before = history.filter(({ atMs }) => atMs <= startedMs).at(-1);
  if (before?.agent !== agent || !isHeld(before)) return null;
  const next = history.find((event) =>
    event.atMs > startedMs && isHeld(event) &&
    (event.agent !== agent || event.attempts > before.attempts)
  );
  if (next === undefined) return "resumed";
  return next.agent === agent ? "resumed" : next.atMs - startedMs;
}
