/**
 * The role of an agent on a linked node. The tree:
 *
 * ```text
 * quorus://NODE/agent             carries out attempts, performs actions of runs
 *                    /JOB.LEASE   one attempt, or who speaks for it where Workers carry them out
 * quorus://NODE/workers           keeps these Workers (workers/start.ts)
 * quorus://NODE/relays            reads for other agents (../relay)
 *                     /JOB.LEASE  one source that it reads
 * quorus://NODE/courier           brings reports to a controller until one has answered
 * quorus://NODE/progress          tells how far attempts are
 * quorus://NODE/liaison           registers, sends heartbeats
 * ```
 */

import { limitValues } from "../../runtime/base/limits.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import { BufferPool } from "../job/buffers.ts";
import { type CheckpointStore, checkpointStore } from "../job/checkpoint.ts";
import type { JobFeed } from "../job/messages.ts";
import { ChunkTimes } from "../job/chunk_times.ts";
import { Throttles } from "../../protocols/wrappers/throttle.ts";
import type { AttemptTools } from "../job/tools.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { agent } from "./agent.ts";
import { type ControllerIds, Controllers } from "./controllers.ts";
import { courier } from "./courier.ts";
import { giveBack, type LeftBehind, leftBehind, lockFolder } from "./folder.ts";
import { AgentLeaving } from "./leaving.ts";
import { liaison } from "./liaison.ts";
import type { AgentFacts } from "./measure.ts";
import { agentMetrics, meteredCheckpoints } from "./metrics.ts";
import { AGENT_PATH } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { progressRelay } from "./progress_relay.ts";
import type { Registration, Volume } from "./registration.ts";
import { startRelaying } from "../relay/relaying.ts";
import { revealer, type SecretSources } from "./reveal.ts";
import { type OwnStatus, Standing } from "./standing.ts";
import { Tally } from "./tally.ts";
import { replicationOf } from "./replication.ts";
import { readVolumes, type VolumeOption } from "./volumes.ts";
import { type AgentWorkers, startWorkers, type WorkersOptions } from "./workers/start.ts";
import { limitsOfThread } from "./workers/tools.ts";
import type { Roster, WorkerView } from "./workers/roster.ts";

type Limits = AttemptTools["limits"];

/** How the role is started. Its id in the cluster is that of its node. */
export interface AgentOptions {
  /** Ids of the controllers; the node's links dial them. */
  readonly controllers: ControllerIds;
  readonly version: string;
  /** As the machine says unless given. */
  readonly hostname?: string;
  readonly location?: Partial<Registration["location"]>;
  /** Transfers at a time; `agentSlots` unless given. */
  readonly maxConcurrentTransfers?: number;
  readonly maxBandwidthMbps?: number;
  readonly volumes?: readonly VolumeOption[];
  readonly certificateFingerprint?: string;
  readonly supportedAuthMethods?: readonly string[];
  /** For its checkpoints; one process at a time. */
  readonly folder: string;
  readonly protocols: ProtocolRegistry;
  readonly secrets: SecretSources;
  readonly limits?: Partial<Record<keyof typeof ACTOR_LIMITS, number>>;
  /** `false` gives up durability for speed. */
  readonly sync?: boolean;
  /** Hosts that its transfers may reach, as rules; whatever answers unless given. */
  readonly reach?: NonNullable<Registration["reach"]>;
  /** Where other agents reach it, if not where its links listen. */
  readonly url?: string;
  /** Who on this node is told the progress of attempts too. */
  readonly feed?: Ref<typeof JobFeed>;
  /** Threads that carry the attempts out; without them this one does. */
  readonly workers?: WorkersOptions;
}

/** What can be seen of an agent from its own process. */
export interface AgentStatusView {
  readonly agentId: string;
  readonly status: OwnStatus;
  readonly why: string;
  /** The leader, as far as the agent knows. */
  readonly leader: string | null;
  readonly activeJobs: number;
  /** Reports that no controller has answered yet. */
  readonly unreported: number;
  readonly volumes: readonly Volume[];
  /** Its Workers; empty without. */
  readonly workers: readonly WorkerView[];
}

/** A running agent. */
export interface AgentRole {
  status(): AgentStatusView;
  /** What this agent counts, and how it stands. */
  metrics(): readonly Metric[];
  /**
   * Leaves in order: takes no new jobs, lets those it has end within that time, hands the rest back with
   * what they have kept, and deregisters. Resolves when it has left, or no controller has answered.
   */
  drain(withinMs: number): Promise<void>;
  /** Lets all jobs go, keeping their checkpoints, and frees the folder. Idempotent; the node goes on. */
  stop(): Promise<void>;
}

/**
 * Starts the role; AgentError `locked`, `unusable`, `badVolume` or `worker`. It joins the cluster by
 * itself.
 */
export async function startAgent(node: LinkedNode, options: AgentOptions): Promise<AgentRole> {
  const { env } = node;
  const limits = limitValues(ACTOR_LIMITS, options.limits);
  const lock = await lockFolder(env.disk, options.folder);
  const checkpoints = checkpointStore(() => env.kv.open(`${options.folder}/state.kv`));
  try {
    const volumes = await readVolumes(env.disk, env.random, options.volumes ?? []);
    const earlier = await leftBehind(checkpoints, node.id);
    const found = { limits, checkpoints, volumes, earlier };
    const base = spawnBase(node, options, found);
    const workers = await workersOf(node, options, found, base);
    const parts = { ...spawnParts(node, options, found, base, workers?.roster ?? null), ...base };
    return roleOf(node, { ...parts, roster: workers?.roster ?? null }, async () => {
      await workers?.stop();
      await base.tools.relaying.stop();
      await checkpoints.close();
      await lock.release();
    });
  } catch (error) {
    await checkpoints.close();
    await lock.release();
    throw error;
  }
}

interface Found {
  readonly limits: Limits;
  readonly checkpoints: CheckpointStore;
  readonly volumes: readonly Volume[];
  readonly earlier: readonly LeftBehind[];
}

type Base = ReturnType<typeof spawnBase>;
type Parts = Base & ReturnType<typeof spawnParts> & { readonly roster: Roster | null };

/** What Workers and the actors of this thread share. */
function spawnBase(node: LinkedNode, options: AgentOptions, found: Found) {
  const { limits, volumes } = found;
  const controllers = new Controllers(options.controllers, node.env.random.next());
  const outbox = new Outbox();
  const tally = new Tally();
  const own = attemptTools(node.env, options, found, outbox, tally);
  const url = options.url ?? listenedUrl(node, options.hostname);
  const relaying = startRelaying({ node, controllers, tools: own, url });
  const tools = { ...own, relaying };
  const feed = node.spawn(progressRelay, {
    name: "progress",
    args: { controllers, feed: options.feed ?? null, limits },
  });
  return { controllers, outbox, tally, tools, feed, volumes, limits };
}

/** Where other agents reach this one; who listens on every address is known by its host's name. */
function listenedUrl({ links, env }: LinkedNode, hostname?: string): string | null {
  const [listened] = links.urls;
  if (listened === undefined) return null;
  const url = new URL(listened);
  if (url.hostname !== "0.0.0.0" && url.hostname !== "[::]") return listened;
  const name = hostname ?? env.host.facts().hostname;
  if (name === null) return null;
  url.hostname = name;
  return url.href.replace(/\/$/, "");
}

async function workersOf(
  node: LinkedNode,
  { workers, folder }: AgentOptions,
  { checkpoints, volumes }: Found,
  { tools, tally, feed }: Base,
): Promise<AgentWorkers | null> {
  if (workers === undefined) return null;
  const keys = () => checkpoints.keys();
  try {
    return await startWorkers(workers, { node, tools, keys, tally, feed, folder, volumes });
  } catch (error) {
    await tools.relaying.stop();
    await node.stopActor(feed);
    throw error;
  }
}

function spawnParts(
  node: LinkedNode,
  options: AgentOptions,
  { limits, volumes, earlier, checkpoints }: Found,
  { controllers, outbox, tally, tools, feed }: Base,
  roster: Roster | null,
) {
  const { env, id: agentId, links } = node;
  const standing = new Standing();
  const facts = factsOf(options, limits, tools.relaying.url);
  const incarnation = env.random.bytes(INCARNATION_BYTES).toHex();
  const cluster = {
    incarnation,
    controllers,
    tally,
    volumes,
    roster,
  };
  const worker = node.spawn(agent, { name: AGENT_PATH, args: { tools, feed, cluster } });
  const messenger = node.spawn(courier, {
    name: "courier",
    restart: "permanent",
    args: { agentId, outbox, controllers, limits },
  });
  let settling: Promise<void> | null = null;
  const host = node.spawn(liaison, {
    name: "liaison",
    restart: "permanent",
    args: {
      agentId,
      incarnation,
      folder: options.folder,
      facts,
      protocols: options.protocols.protocols.flatMap(({ schemes }) => [...schemes]),
      volumes,
      controllers,
      links,
      standing,
      tally,
      limits,
      roster,
      settled: () => settling ??= giveBack(earlier, outbox, checkpoints),
    },
  });
  return { slots: facts.maxConcurrentTransfers, standing, worker, messenger, host };
}

const INCARNATION_BYTES = 8;

function factsOf(options: AgentOptions, limits: Limits, relayUrl: string | null): AgentFacts {
  const { datacenter = null, zone = null, region = null, tags = [] } = options.location ?? {};
  return {
    version: options.version,
    hostname: options.hostname ?? null,
    location: { datacenter, zone, region, tags },
    maxConcurrentTransfers: options.maxConcurrentTransfers ?? limits.agentSlots,
    maxBandwidthMbps: options.maxBandwidthMbps ?? null,
    reach: options.reach ?? null,
    relayUrl,
    certificateFingerprint: options.certificateFingerprint ?? null,
    supportedAuthMethods: options.supportedAuthMethods ?? [],
  };
}

function attemptTools(
  env: Env,
  options: AgentOptions,
  { limits, checkpoints, volumes }: Found,
  outbox: Outbox,
  { meter }: Tally,
): AttemptTools {
  return {
    env,
    protocols: options.protocols,
    reveal: revealer(options.secrets),
    propose: (command) => {
      if (command.type !== "jobEvent") {
        throw new TypeError(`an attempt reports what happens to its job, not ${command.type}`);
      }
      meter.reported(command.jobId, command.event);
      return outbox.report({ jobId: command.jobId, event: command.event });
    },
    checkpoints: meteredCheckpoints(checkpoints, meter, env.clock),
    chunks: new ChunkTimes(env.clock, meter.chunks),
    ...sharesOf(options.workers?.count ?? 0, limits),
    limits,
    sync: options.sync ?? true,
    replication: replicationOf(volumes, limits, env),
    throttles: new Throttles(env),
    ways: meter.ways,
  };
}

/** Without Workers. */
const NOTHING_AWAY = { files: 0, ranges: 0 };

/** Files that fit one buffer are not worth the way to a Worker: they stay on this thread. */
function sharesOf(
  workers: number,
  limits: Limits,
): Pick<AttemptTools, "buffers" | "mostBytes"> {
  const { slotBytes, poolBytes } = limitsOfThread(limits, workers);
  const buffers = new BufferPool(slotBytes, poolBytes);
  return workers === 0 ? { buffers } : { buffers, mostBytes: slotBytes };
}

function roleOf(node: LinkedNode, parts: Parts, free: () => Promise<void>): AgentRole {
  const { controllers, outbox, tally, standing, volumes, roster } = parts;
  const { buffers } = parts.tools;
  const relayed = parts.tools.relaying.tally;
  const leaving = new AgentLeaving(node, { ...parts, relayed }, free);
  return {
    status: () => {
      standing.follow(tally.active);
      return {
        agentId: node.id,
        status: standing.status,
        why: standing.why,
        leader: controllers.leader,
        activeJobs: tally.active,
        unreported: outbox.size,
        volumes,
        workers: roster?.views() ?? [],
      };
    },
    metrics: () => {
      standing.follow(tally.active);
      const lentBytes = buffers.lent * buffers.slotBytes + (roster?.lentBytes ?? 0);
      const away = roster?.atOnce ?? NOTHING_AWAY;
      return agentMetrics({
        ...parts,
        relayed,
        node: node.id,
        unreported: outbox.size,
        lentBytes,
        away,
      });
    },
    drain: (withinMs) => leaving.drain(withinMs),
    stop: () => leaving.stop(),
  };
}
