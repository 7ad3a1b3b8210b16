/** Changes of the cluster itself as they are told; pure. */

import type { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { ClusterChange, ClusterFact } from "../controller/cluster_facts.ts";
import type { ClusterChangeView } from "./messages.ts";

type Fact<K extends ClusterFact["kind"]> = Extract<ClusterFact, { kind: K }>;

/** What has happened: a word for programs, and a sentence for people. */
export function viewChange({ before, after }: ClusterChange): ClusterChangeView {
  const fact = after ?? before;
  if (fact === null) return told("changed", null, "something has changed");
  const hasEnded = after === null;
  switch (fact.kind) {
    case "leader":
      return told("leaderChanged", fact.node, `${fact.node} leads in term ${fact.term}`);
    case "member":
      return viewMember(before as Fact<"member"> | null, after as Fact<"member"> | null, fact);
    case "down":
      return hasEnded
        ? told("memberUp", fact.node, `controller ${fact.node} is not down any more`)
        : told("memberDown", fact.node, `controller ${fact.node} is not heard of`);
    case "reassignmentPaused":
      return hasEnded
        ? told("reassignmentResumed", null, "jobs of lost agents go to others again")
        : told("reassignmentPaused", null, fact.why);
    case "archiveDamaged":
      return hasEnded
        ? told("archiveMended", fact.node, `no damage of ${fact.node}'s archive was found lately`)
        : told(
          "archiveDamaged",
          fact.node,
          `${fact.node} has found damaged segments of its archive, ${fact.segments} so far, and ` +
            "fetched them again: look at its disk",
        );
  }
}

function viewMember(
  before: Fact<"member"> | null,
  after: Fact<"member"> | null,
  { node, role, witness }: Fact<"member">,
): ClusterChangeView {
  const kind = witness ? `${role}, a witness` : role;
  if (before === null) {
    return told("memberAdded", node, `controller ${node} belongs to it: ${kind}`);
  }
  if (after === null) return told("memberRemoved", node, `controller ${node} was removed`);
  if (before.role !== role) {
    return told("memberChanged", node, `controller ${node} was ${before.role}, and is ${kind}`);
  }
  return after.maintenance
    ? told("maintenanceBegan", node, `controller ${node} leads no more: maintenance`)
    : told("maintenanceEnded", node, `controller ${node} may lead again`);
}

function told(
  what: ClusterChangeView["what"],
  node: string | null,
  why: string,
): ClusterChangeView {
  return { what, node, why };
}

/** Who was removed is not up again: that it is gone has been told. */
export function isOfRemoved(
  { before, after }: ClusterChange,
  noted: PersistentMap<ClusterFact>,
): boolean {
  if (after !== null || before === null || !("node" in before)) return false;
  if (before.kind === "leader" || before.kind === "member") return false;
  return !noted.has(`member ${before.node}`);
}

/** What a change of an agent is, by its status before; null: it is new. */
export function agentChange(before: string | null, after: string): string {
  if (before === null || (before === "deregistered" && after === "active")) return "joined";
  if (before === after) return "changed";
  return AGENT_CHANGES[after] ?? "changed";
}

const AGENT_CHANGES: Readonly<Record<string, string>> = {
  active: "back",
  draining: "draining",
  unhealthy: "lost",
  failed: "failed",
  deregistered: "left",
};
