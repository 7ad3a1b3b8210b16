/**
 * The actors of a controller, and who is whose child; `agent/start.ts` has those of an agent.
 *
 * ```text
 * quorus://c1/raft/controllers               the group: core, log, apply
 *             /desk                          answers gateways
 *             /fleet                         answers agents
 *             /directory                     tells all nodes where controllers are
 *             /archive                       keeps ended runs
 *             /archiving/archiver            while this node leads: cuts their segments
 *             /noting/noter                  while this node leads: what holds of the cluster
 *             /leadership                    while this node leads, has one child:
 *             /leadership/controller-TERM    acts on what was committed
 *                        /scheduler          proposes assignments
 *                        /warden             gives agents up, takes them back, compares leases
 *                        /divider            tells agents how fast their transfers may be
 *                        /sweeper            removes what attempts of ended jobs have left
 *                        /run-RUN            one run
 * ```
 */

import { limitValues } from "../runtime/base/limits.ts";
import type { LimitOverrides } from "./tree_limits.ts";
import type { LinkedNode } from "../runtime/remote/linked_node.ts";
import type { FirstMember, WorkerEngineOptions } from "../runtime/raft/group.ts";
import type { RaftError } from "../runtime/raft/errors.ts";
import type { Metric } from "../runtime/telemetry/prometheus.ts";
import { Agent, AGENT_PATH } from "./agent/messages.ts";
import type { ArchiveStatus } from "./archive/messages.ts";
import { archiveMetrics } from "./archive/metrics.ts";
import type { ArchiveReader } from "./archive/reader.ts";
import { startArchive } from "./archive/start.ts";
import { CLUSTER_LIMITS } from "./cluster/limits.ts";
import { noter, type NoterArgs } from "./cluster/noter.ts";
import type { ApiKey } from "./controller/commands.ts";
import { controller, type ControllerArgs } from "./controller/controller.ts";
import { ControllerMeters } from "./controller/metrics.ts";
import { leadership } from "./controller/leadership.ts";
import { joinControllers, type Replica } from "./controller/replica.ts";
import { desk } from "./desk/desk.ts";
import { DESK_LIMITS } from "./desk/limits.ts";
import { DESK_PATH } from "./desk/messages.ts";
import { announcer } from "./directory/announcer.ts";
import { directory } from "./directory/directory.ts";
import { DIRECTORY_PATH } from "./directory/messages.ts";
import { fleetActions } from "./fleet/actions.ts";
import { Board } from "./fleet/board.ts";
import { fleetCandidates } from "./fleet/candidates.ts";
import { fleet } from "./fleet/fleet.ts";
import { FLEET_LIMITS } from "./fleet/limits.ts";
import { FLEET_PATH } from "./fleet/messages.ts";

/** How a controller is started. Its node links with the other controllers by itself. */
export interface ControllerOptions {
  /** Where it keeps log and snapshots: a folder of its own, for ever. */
  readonly folder: string;
  /** All controllers by their nodes' ids, this one too. */
  readonly controllers: readonly { readonly node: string; readonly url?: string }[];
  /** The first members; those of `controllers` if left out. Ignored once the folder holds a log. */
  readonly members?: readonly FirstMember[];
  /** It joins a group that is there: it waits until somebody adds it. */
  readonly join: boolean;
  /** Taken into the state by the first leader, where there are no keys yet. */
  readonly bootstrapKeys: readonly ApiKey[];
  readonly engine?: WorkerEngineOptions;
  readonly limits?: LimitOverrides;
  /** How long an archived run is kept after its end; for ever if left out. */
  readonly retentionMs?: number;
  /** When this node's own certificate ends; null, or left out: it has none. */
  readonly certificateUntilMs?: () => number | null;
  /** The disk of this member has failed, and it has stopped. Stops the node unless given. */
  readonly onFailed?: (error: RaftError) => void;
}

/** A controller under way. */
export interface ControllerRole {
  readonly replica: Replica;
  readonly board: Board;
  /** Ended runs that have left the state. */
  readonly archive: ArchiveReader;
  /** What this controller counts, and what the state holds now. */
  metrics(): readonly Metric[];
  /** Hands leadership over, if it has it, so that its end interrupts nobody; then stops its part. */
  drain(withinMs: number): Promise<void>;
}

/** Starts the actors of a controller on its node. Throws what `joinControllers` throws. */
export async function startController(
  node: LinkedNode,
  options: ControllerOptions,
): Promise<ControllerRole> {
  const { folder, controllers, join, engine, onFailed, limits } = options;
  const ids = controllers.map(({ node: id }) => id);
  const meters = new ControllerMeters();
  const replica = await joinControllers(node, {
    folder,
    answered: (tookMs, outcome) => meters.answered(tookMs, outcome),
    ...(join ? {} : { members: options.members ?? ids }),
    ...(engine === undefined ? {} : { engine }),
    ...(onFailed === undefined ? {} : { onFailed }),
    ...(limits?.raft === undefined ? {} : { limits: limits.raft }),
    times: limits?.controller,
  });
  const archive = await startArchive(node, replica, {
    folder: `${folder}/archive`,
    retentionMs: options.retentionMs ?? null,
    ...(limits?.archive === undefined ? {} : { limits: limits.archive }),
  });
  const fleetLimits = limitValues(FLEET_LIMITS, limits?.fleet);
  const board = new Board(fleetLimits.progressJobs);
  const archives = new Map<string, ArchiveStatus>();
  const members = () => replica.raft.status().configuration.members.map(({ id }) => id);
  const others = () => members().filter((id) => id !== node.id);
  node.spawn(fleet, {
    name: FLEET_PATH,
    restart: "permanent",
    args: { replica, board, controllers: others, limits: fleetLimits },
  });
  const deskLimits = limitValues(DESK_LIMITS, limits?.desk);
  const { damageShownMs } = deskLimits;
  node.spawn(desk, {
    name: DESK_PATH,
    restart: "permanent",
    args: {
      ...{ replica, archive, archives, board, links: node.links },
      schedulerPath: (term: number) => `leadership/controller-${term}/scheduler`,
      inspect: () => node.inspect(),
      ownCertificateUntilMs: options.certificateUntilMs ?? (() => null),
      limits: deskLimits,
    },
  });
  spawnDirectory(node, controllers, members);
  const counted = meters.follow(node.id, node.env, replica, board);
  const metrics = () => [...counted(), ...archiveMetrics(node.id, archive.status())];
  const { bootstrapKeys } = options;
  spawnLeadership({
    ...{ node, replica, board, meters, bootstrapKeys },
    limits: fleetLimits,
    parts: {
      scheduler: limits?.scheduler,
      tenants: limits?.tenants,
      controller: limits?.controller,
    },
  });
  const noting = { ...limitValues(CLUSTER_LIMITS, limits?.cluster), damageShownMs };
  spawnNoting(node, { replica, board, archives, limits: noting });
  return { replica, board, archive, metrics, drain: (withinMs) => drain(replica, withinMs) };
}

function spawnDirectory(
  node: LinkedNode,
  controllers: ControllerOptions["controllers"],
  members: () => readonly string[],
): void {
  const configured = Object.fromEntries(
    controllers.flatMap(({ node: id, url }) => url === undefined ? [] : [[id, url]]),
  );
  node.spawn(directory, {
    name: DIRECTORY_PATH,
    restart: "permanent",
    args: { configured, members },
  });
  const url = configured[node.id];
  if (url === undefined) return;
  node.spawn(announcer, {
    name: "directory-announcer",
    restart: "permanent",
    args: { url, members },
  });
}

/** What the leader notes of the cluster itself. */
function spawnNoting(
  node: LinkedNode,
  args: Omit<NoterArgs, "term" | "replica"> & { readonly replica: Replica },
): void {
  const { replica } = args;
  node.spawn(leadership, {
    name: "noting",
    restart: "permanent",
    args: {
      replica,
      begin: (ctx, term) => ctx.spawn(noter, { name: "noter", args: { ...args, term } }),
    },
  });
}

interface LeadershipParts extends Pick<ControllerRole, "replica" | "board"> {
  readonly node: LinkedNode;
  readonly meters: ControllerMeters;
  readonly bootstrapKeys: readonly ApiKey[];
  readonly limits: ReturnType<typeof limitValues<typeof FLEET_LIMITS>>;
  readonly parts: NonNullable<ControllerArgs["limits"]>;
}

function spawnLeadership(
  { node, replica, board, meters, bootstrapKeys, limits, parts }: LeadershipParts,
): void {
  const candidates = fleetCandidates(replica, board);
  const agents = (id: string) => node.ref(Agent, `quorus://${id}/${AGENT_PATH}`);
  const actions = fleetActions(candidates, agents, limits.performMs);
  node.spawn(leadership, {
    name: "leadership",
    restart: "permanent",
    args: {
      replica,
      limits: parts.controller,
      begin: (ctx, term) => {
        void bootstrap(replica, bootstrapKeys);
        return ctx.spawn(controller, {
          name: `controller-${term}`,
          args: {
            ...{ group: replica, agents, candidates, actions, term, feed: null },
            meter: meters.scheduler,
            fleet: { board, links: node.links, limits },
            limits: parts,
          },
        });
      },
    },
  });
}

/** A cluster without any key could never be given one. */
async function bootstrap(replica: Replica, keys: readonly ApiKey[]): Promise<void> {
  if (replica.state.keys.size > 0) return;
  for (const key of keys) {
    // If it fails, the next leader does it.
    await replica.commit({ type: "putKey", key }, { key: `bootstrap/${key.id}` }).catch(() => {});
  }
}

async function drain(replica: Replica, withinMs: number): Promise<void> {
  // Where nobody can take over there is nothing to wait for.
  if (replica.isLeader) await replica.raft.transfer(undefined, { withinMs }).catch(() => {});
}
