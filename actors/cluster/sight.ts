/** What holds of the cluster as its leader sees it; pure. */

import type { GroupStatus } from "../../runtime/raft/group.ts";
import type { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { ArchiveStatus } from "../archive/messages.ts";
import { type ClusterFact, factKey } from "../controller/cluster_facts.ts";
import { isInMaintenance } from "../desk/change_checks.ts";
import type { ClusterLimits } from "./limits.ts";

/** What the leader knows. */
export interface ClusterSight {
  readonly status: Pick<GroupStatus, "member" | "configuration" | "peers">;
  readonly term: number;
  /** For how long it has led. */
  readonly leadsMs: number;
  /** Why it gives up no agents; null: it does. */
  readonly heldBack: string | null;
  /** The archives of controllers, as far as they have answered. */
  readonly archives: ReadonlyMap<string, ArchiveStatus>;
  /** What was noted last, maybe by another leader. */
  readonly noted: PersistentMap<ClusterFact>;
  readonly nowMs: number;
}

/** The limits that decide. */
export type SightLimits = ClusterLimits & {
  /** For how long damage of an archive holds. */
  readonly damageShownMs: number;
};

/** All facts that hold now. What a new leader cannot know yet stays as it was noted. */
export function factsOf(sight: ClusterSight, limits: SightLimits): ClusterFact[] {
  const { status: { member, configuration: { members } }, term } = sight;
  const facts: ClusterFact[] = [{ kind: "leader", node: member, term }];
  for (const { id: node, role, witness, priority } of members) {
    const maintenance = role === "voter" && isInMaintenance({ priority });
    facts.push({ kind: "member", node, role, witness, maintenance });
    if (node !== member && isDown(sight, node, limits)) facts.push({ kind: "down", node });
    const damaged = damageOf(sight, node, limits);
    if (damaged !== null) facts.push(damaged);
  }
  const paused = pauseOf(sight, limits);
  if (paused !== null) facts.push(paused);
  return facts;
}

function isDown(
  { status: { peers }, leadsMs, noted }: ClusterSight,
  node: string,
  { memberDownMs, memberUpMs }: ClusterLimits,
): boolean {
  const wasDown = noted.has(factKey({ kind: "down", node }));
  const silentMs = peers.find(({ id }) => id === node)?.silentMs;
  // Silence counts from when it began to lead.
  if (silentMs === undefined || leadsMs < memberDownMs) return wasDown;
  return silentMs > (wasDown ? memberUpMs : memberDownMs);
}

function damageOf(
  { archives, noted, nowMs }: ClusterSight,
  node: string,
  { damageShownMs }: SightLimits,
): ClusterFact | null {
  const status = archives.get(node);
  if (status === undefined) {
    return noted.get(factKey({ kind: "archiveDamaged", node, segments: 0 })) ?? null;
  }
  const { damaged: segments, lastDamagedMs } = status;
  const isShown = lastDamagedMs !== null && nowMs - lastDamagedMs < damageShownMs;
  return isShown ? { kind: "archiveDamaged", node, segments } : null;
}

function pauseOf(
  { heldBack: why, leadsMs, noted }: ClusterSight,
  { noteSettleMs }: ClusterLimits,
): ClusterFact | null {
  if (why !== null) return { kind: "reassignmentPaused", why };
  if (leadsMs >= noteSettleMs) return null;
  return noted.get("reassignmentPaused") ?? null;
}
