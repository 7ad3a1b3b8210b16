/** The cluster as one controller sees it. */

import type { Links } from "../../runtime/remote/hub.ts";
import type { GroupStatus } from "../../runtime/raft/group.ts";
import type { Replica } from "../controller/replica.ts";
import type { State } from "../controller/state.ts";
import type { Board } from "../fleet/board.ts";
import type { ClusterView } from "./messages.ts";
import { countBy, viewAgent } from "./views.ts";

/** What a view of the cluster is made of. */
export interface ClusterSources {
  readonly node: string;
  readonly replica: Replica;
  readonly board: Board;
  readonly links: Pick<Links, "peers">;
}

/** Members, who leads, how far each is, and how much there is of everything. */
export function viewCluster(sources: ClusterSources, state: State): ClusterView {
  const { node, replica, board } = sources;
  const status = replica.raft.status();
  const agents = [...state.agents.values()].map((agent) => viewAgent(agent, state, board));
  return {
    node,
    leader: status.leader,
    term: status.term,
    appliedIndex: status.applied,
    appliedAtMs: status.appliedAtMs,
    degraded: status.degraded,
    controllers: status.configuration.members.map((member) => viewMember(sources, status, member)),
    agents: countBy(agents, (agent) => agent.status),
    jobs: countBy(state.jobs.values(), (job) => job.state),
    runs: countBy(state.runs.values(), (run) => run.state),
  };
}

function viewMember(
  { node, links }: ClusterSources,
  status: GroupStatus,
  { id, role, witness }: GroupStatus["configuration"]["members"][number],
): ClusterView["controllers"][number] {
  const peer = status.peers.find((one) => one.id === id);
  const isLeader = id === status.leader;
  const link = id === node
    ? "up"
    : links.peers().find((one) => one.node === id)?.state ?? "unknown";
  return {
    node: id,
    role: isLeader ? "leader" : role,
    witness,
    lagEntries: isLeader ? 0 : peer?.lagEntries ?? null,
    lagMs: isLeader ? 0 : peer?.silentMs ?? null,
    status: link,
  };
}
