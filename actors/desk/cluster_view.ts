/** The cluster as one controller sees it. */

import type { Links } from "../../runtime/remote/hub.ts";
import type { GroupStatus } from "../../runtime/raft/group.ts";
import type { Replica } from "../controller/replica.ts";
import type { State } from "../controller/state.ts";
import type { Board } from "../fleet/board.ts";
import { isInMaintenance } from "./change_checks.ts";
import type { ArchiveStatus } from "../archive/messages.ts";
import type { ArchiveReader } from "../archive/reader.ts";
import type { ArchiveView, ClusterView } from "./messages.ts";
import { countBy, viewAgent } from "./views.ts";

/** What a view of the cluster is made of. */
export interface ClusterSources {
  readonly node: string;
  readonly replica: Replica;
  readonly board: Board;
  readonly links: Pick<Links, "peers">;
  /** What this controller has of the archive, and on the leader what the others have. */
  readonly archive: Pick<ArchiveReader, "status">;
  readonly archives: ReadonlyMap<string, ArchiveStatus>;
  /** When this node's own certificate ends. */
  readonly ownCertificateUntilMs: () => number | null;
  /** A certificate that ends within this time is told of. */
  readonly limits: { readonly certificateSoonMs: number; readonly damageShownMs: number };
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
    gateways: gatewaysOf(sources, status, state),
    archives: archivesOf(sources, status.appliedAtMs),
    certificatesEnding: endingSoon(sources, status, state),
    agents: countBy(agents, (agent) => agent.status),
    jobs: countBy(state.jobs.values(), (job) => job.state),
    runs: countBy(state.runs.values(), (run) => run.state),
  };
}

function viewMember(
  { node, links, ownCertificateUntilMs }: ClusterSources,
  status: GroupStatus,
  { id, role, witness, priority }: GroupStatus["configuration"]["members"][number],
): ClusterView["controllers"][number] {
  const peer = status.peers.find((one) => one.id === id);
  const isLeader = id === status.leader;
  const linked = links.peers().find((one) => one.node === id);
  return {
    node: id,
    role: isLeader ? "leader" : role,
    witness,
    maintenance: role === "voter" && isInMaintenance({ priority }),
    lagEntries: isLeader ? 0 : peer?.lagEntries ?? null,
    lagMs: isLeader ? 0 : peer?.silentMs ?? null,
    status: id === node ? "up" : linked?.state ?? "unknown",
    certificateUntilMs: id === node ? ownCertificateUntilMs() : linked?.certificateUntilMs ?? null,
  };
}

/** Its own is newer than what it has told its leader. */
function archivesOf(
  { node, archive, archives, limits }: ClusterSources,
  nowMs: number,
): ClusterView["archives"] {
  const all = new Map([...archives, [node, archive.status()]]);
  return Object.fromEntries([...all].map(([id, status]) => {
    const isDoubtful = status.lastDamagedMs !== null &&
      nowMs - status.lastDamagedMs < limits.damageShownMs;
    return [id, viewArchive(status, isDoubtful)];
  }));
}

/** Damage is mended by itself: it says something of the disk. */
function viewArchive(
  { first, count, missing, verifiedMs, verified, damaged, lastDamagedMs }: ArchiveStatus,
  isDoubtful: boolean,
): ArchiveView {
  const segments = Math.max(0, count - first + 1);
  const warnings = [
    ...missing.length === 0
      ? []
      : [`${missing.length} of ${segments} segments are missing, and are being fetched`],
    ...!isDoubtful ? [] : [
      `${damaged} segments were damaged so far, the last was found at ` +
      `${new Date(lastDamagedMs ?? 0).toISOString()} and fetched again: look at its disk`,
    ],
  ];
  return {
    ...{ segments, missing: missing.length, verifiedMs, verified, damaged, lastDamagedMs },
    warning: warnings.length === 0 ? null : warnings.join("; "),
  };
}

/** Whoever is linked, and neither decides nor carries out, answers people. */
function gatewaysOf(
  { links }: ClusterSources,
  status: GroupStatus,
  state: State,
): ClusterView["gateways"] {
  const members = new Set(status.configuration.members.map(({ id }) => id));
  return links.peers()
    .filter(({ node, certificateNames }) =>
      certificateNames === null
        ? !members.has(node) && !state.agents.has(node) && !ENGINE.test(node)
        : certificateNames.some((name) => GATEWAY_ROLE.test(name))
    )
    .map(({ node, state, certificateUntilMs }) => ({ node, status: state, certificateUntilMs }));
}

const GATEWAY_ROLE = /^quorus-role:.*\/gateway\/[^/]+$/;
/** The Worker of a controller has links of its own. */
const ENGINE = /\.raft$/;

/** Agents' only: controllers and gateways are listed with theirs. */
function endingSoon(
  { links, limits }: ClusterSources,
  { appliedAtMs }: GroupStatus,
  state: State,
): Record<string, number> {
  const ending: Record<string, number> = {};
  for (const { node, certificateUntilMs } of links.peers()) {
    if (certificateUntilMs === null || !state.agents.has(node)) continue;
    if (certificateUntilMs - appliedAtMs < limits.certificateSoonMs) {
      ending[node] = certificateUntilMs;
    }
  }
  return ending;
}
