/** Every scenario that `deno task sim` knows. */

import type { Scenario } from "../../../runtime/sim/scenario.ts";
import { canary } from "./canary.ts";
import { clusterJobs } from "./cluster_jobs.ts";
import { clusterMembership } from "./cluster_membership.ts";
import { clusterPlacement } from "./cluster_placement.ts";
import { clusterSets } from "./cluster_sets.ts";
import { clusterTopics } from "./cluster_topics.ts";
import { journal } from "./journal.ts";
import { mailboxes } from "./mailboxes.ts";
import { raftChurn } from "./raft_churn.ts";
import { raftClock, raftClockDrift } from "./raft_clock.ts";
import { raftKv } from "./raft_kv.ts";
import { raftPlacement } from "./raft_placement.ts";
import { raftUpgrade } from "./raft_upgrade.ts";
import { remoteAsks } from "./remote_asks.ts";
import { remoteCredit } from "./remote_credit.ts";
import { remoteOrdering } from "./remote_ordering.ts";
import { remoteQuarantine } from "./remote_quarantine.ts";
import { remoteReliable } from "./remote_reliable.ts";
import { remoteWatch } from "./remote_watch.ts";
import { supervision } from "./supervision.ts";
import { trees } from "./trees.ts";

/** In the order in which they run: one process first, then links, clusters, and the canary. */
export const SCENARIOS: readonly Scenario[] = [
  supervision,
  trees,
  mailboxes,
  journal,
  remoteOrdering,
  remoteWatch,
  remoteAsks,
  remoteCredit,
  remoteQuarantine,
  remoteReliable,
  clusterMembership,
  clusterTopics,
  clusterPlacement,
  clusterJobs,
  clusterSets,
  raftKv,
  raftChurn,
  raftClock,
  raftClockDrift,
  raftPlacement,
  raftUpgrade,
  canary,
];
