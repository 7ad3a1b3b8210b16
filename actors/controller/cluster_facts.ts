/**
 * What is known of the cluster itself: who leads, who belongs to it, who is away. Its leader notes it in
 * the replicated state, so that each change is told once and in one order, by every controller alike.
 */

import { z } from "zod";
import type { PersistentMap } from "../../runtime/base/persistent_map.ts";

const node = z.string();

/** One of them, as long as it holds. */
export const clusterFact = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("leader"), node, term: z.number().int() }),
  z.object({
    kind: z.literal("member"),
    node,
    role: z.string(),
    witness: z.boolean(),
    maintenance: z.boolean(),
  }),
  /** A member that the leader does not hear of. */
  z.object({ kind: z.literal("down"), node }),
  /** Too many agents are silent at once to give any of them up. */
  z.object({ kind: z.literal("reassignmentPaused"), why: z.string() }),
  /** Segments of its archive that a controller has lately found damaged. */
  z.object({ kind: z.literal("archiveDamaged"), node, segments: z.number().int() }),
]);
export type ClusterFact = z.infer<typeof clusterFact>;

/** What has changed: null before it began to hold, and after it has ended. */
export interface ClusterChange {
  readonly before: ClusterFact | null;
  readonly after: ClusterFact | null;
}

/** Under which a fact is noted: there is one leader, and one fact of a kind for each node. */
export function factKey(fact: ClusterFact): string {
  return fact.kind === "leader" || fact.kind === "reassignmentPaused"
    ? fact.kind
    : `${fact.kind} ${fact.node}`;
}

/** How what holds now differs from what was noted, in the order of keys: the same on every controller. */
export function clusterChanges(
  noted: PersistentMap<ClusterFact>,
  facts: readonly ClusterFact[],
): ClusterChange[] {
  const now = new Map(facts.map((fact) => [factKey(fact), fact]));
  const keys = new Set([...now.keys(), ...noted.keys()]);
  return [...keys].sort().flatMap((key) => {
    const before = noted.get(key) ?? null;
    const after = now.get(key) ?? null;
    return before !== null && after !== null && isSame(before, after) ? [] : [{ before, after }];
  });
}

/** Why reassignment is paused is told when it begins: its numbers go on changing. */
function isSame(a: ClusterFact, b: ClusterFact): boolean {
  return a.kind === "reassignmentPaused" || JSON.stringify(a) === JSON.stringify(b);
}
