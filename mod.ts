/**
 * Quorus' actor runtime for any Deno service: typed protocols, supervised actors, bounded mailboxes,
 * on one node or on many.
 *
 * 1. {@link protocol} says which messages exist, {@link actor} what is done about them.
 * 2. {@link startNode} starts a node; its `spawn` starts actors and gives a {@link Ref} to each.
 * 3. Nodes with links reach each other's actors by address, `quorus://NODE/PATH`: other processes,
 *    other machines, and Workers ({@link startWorkerNode}). {@link joinCluster} adds membership,
 *    actors found by name, topics and singletons.
 *
 * Every error is a {@link QuorusError}: `code` says why, `retryable` whether to try again, `definite`
 * whether it is certain that nothing was done. `@quorus/quorus/testing` runs all of it on virtual time.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, ask, protocol, startNode, tell } from "@quorus/quorus";
 *
 * const Counter = protocol("demo.counter", { version: 1, messages: {
 *   add: tell(z.object({ amount: z.number() })),
 *   total: ask(z.object({}), z.number()),
 * } });
 *
 * const counter = actor(Counter, {
 *   state: (args: { from: number }) => ({ total: args.from }),
 *   on: {
 *     add: (state, { amount }) => { state.total += amount; },
 *     total: (state) => state.total,
 *   },
 * });
 *
 * const node = startNode({ id: "demo" });
 * const ref = node.spawn(counter, { name: "counter", args: { from: 40 } });
 * ref.tell("add", { amount: 2 });
 * console.assert(await ref.ask("total", {}) === 42);
 * await node.stop();
 * ```
 *
 * @module
 */

import type { Node, NodeOptions, StopOptions } from "./runtime/actor/node.ts";
import type { Env } from "./runtime/env/env.ts";
import { realEnv, type RealEnvOptions } from "./runtime/env/real.ts";
import {
  type LinkedNode,
  type LinkedNodeOptions,
  startLinkedNode,
} from "./runtime/remote/linked_node.ts";
import { serveGroupMember } from "./runtime/raft/engine_worker.ts";
import { startWorkerNode as startWorkerNodeWith } from "./runtime/remote/worker.ts";

// Actors.
export { actor } from "./runtime/actor/definition.ts";
export type {
  ActorDefinition,
  ActorSpec,
  Context,
  Ended,
  EndReason,
  ErasedHandler,
  FullPolicy,
  HandlerResult,
  Handlers,
  MailboxOptions,
  SpawnOptions,
  TaskEnd,
} from "./runtime/actor/definition.ts";
export { Later, later } from "./runtime/actor/later.ts";
export { ask, parseBody, protocol, tell } from "./runtime/actor/protocol.ts";
export type {
  Ask,
  AskTag,
  BodyOf,
  MessageOptions,
  Messages,
  Protocol,
  ReplyOf,
  Tag,
  Tell,
  TellTag,
} from "./runtime/actor/protocol.ts";
export type { AskOptions, Delivery, Ref, SendOptions } from "./runtime/actor/ref.ts";
export type { ChildrenPolicy, RestartType, Strategy } from "./runtime/actor/supervision.ts";
export type { InboundHead } from "./runtime/actor/bridge.ts";
export type { Node, NodeOptions, StopOptions } from "./runtime/actor/node.ts";
export { ACTOR_LIMITS } from "./runtime/actor/limits.ts";
export type { ActorLimits } from "./runtime/actor/limits.ts";

// Errors.
export { QuorusError } from "./runtime/base/errors.ts";
export type { ErrorFacts } from "./runtime/base/errors.ts";
export { ActorError } from "./runtime/actor/errors.ts";
export type { ActorErrorCode } from "./runtime/actor/errors.ts";
export { REFUSAL_CODES, RemoteError } from "./runtime/remote/handshake_refusals.ts";
export type { RefusalCode, RemoteErrorCode } from "./runtime/remote/handshake_refusals.ts";
export { SocketError } from "./runtime/env/errors.ts";
export type { SocketErrorCode } from "./runtime/env/sockets.ts";
export { ClusterError } from "./runtime/cluster/errors.ts";
export type { ClusterErrorCode } from "./runtime/cluster/errors.ts";

// Links between nodes, and Workers.
export type { LinkedNode, LinkedNodeOptions } from "./runtime/remote/linked_node.ts";
export type { Links } from "./runtime/remote/hub.ts";
export type { HubListen, HubOptions, PeerAddress } from "./runtime/remote/hub_options.ts";
export type { PeerEvent, PeerView } from "./runtime/remote/peer.ts";
export type { AssociationState } from "./runtime/remote/association.ts";
export type { LinkView, SessionCounters } from "./runtime/remote/peer_session_host.ts";
export type { LinkMetrics } from "./runtime/remote/link.ts";
export type { WorkerNode } from "./runtime/remote/worker.ts";
export { reliable } from "./runtime/remote/reliable.ts";
export type { Reliable, ReliableOptions } from "./runtime/remote/reliable.ts";
export { MESSAGE_LANES } from "./runtime/remote/wire.ts";
export type { MessageLane, TargetCount } from "./runtime/remote/wire.ts";
export type { Detector, DetectorFactory } from "./runtime/remote/liveness.ts";
export { REMOTE_LIMITS } from "./runtime/remote/limits.ts";
export type { RemoteLimits } from "./runtime/remote/limits.ts";
export type { DiskSpace, HostMachine, MachineFacts, MachineLoad } from "./runtime/env/machine.ts";
export type { TlsOptions } from "./runtime/env/env.ts";
export type { ListenTls } from "./runtime/env/sockets.ts";

// Nodes that belong together.
export { joinCluster } from "./runtime/cluster/cluster.ts";
export type { Cluster, ClusterOptions } from "./runtime/cluster/cluster.ts";
export { MemberList } from "./runtime/cluster/member_source.ts";
export type { Member, MemberSource } from "./runtime/cluster/member_source.ts";
export type {
  MemberEvent,
  MemberLinks,
  MemberStatus,
  MemberView,
} from "./runtime/cluster/membership.ts";
export type { FindOptions, Found } from "./runtime/cluster/registry.ts";
export { topic } from "./runtime/cluster/topic.ts";
export type { MessageOf, Topic } from "./runtime/cluster/topic.ts";
export type { SubscribeOptions, TopicMetrics, Topics } from "./runtime/cluster/topics.ts";
export type { Subscriber, Subscription } from "./runtime/cluster/subscriber.ts";
export { joinPlacement } from "./runtime/cluster/placement.ts";
export type { Location, Placement, PlacementOptions } from "./runtime/cluster/placement.ts";
export type { Authority } from "./runtime/cluster/authority.ts";
export type {
  Entity,
  Host,
  Life,
  PlacementEffect,
  PlacementInput,
  PlacementState,
  PlacementStep,
  Report,
} from "./runtime/cluster/placement_machine.ts";
export { kind } from "./runtime/cluster/kind.ts";
export type { Kind, Placed, SingletonKind } from "./runtime/cluster/kind.ts";
export { findSingleton, singleton, startSingleton } from "./runtime/cluster/singleton.ts";
export { phiAccrual } from "./runtime/cluster/detector.ts";
export { CLUSTER_LIMITS } from "./runtime/cluster/limits.ts";
export type { ClusterLimits } from "./runtime/cluster/limits.ts";

// Raft groups.
export { joinGroup } from "./runtime/raft/group.ts";
export type {
  Committed,
  FirstMember,
  Group,
  GroupOptions,
  GroupStatus,
  ReadConsistency,
  Within,
  WorkerEngineOptions,
} from "./runtime/raft/group.ts";
export type { EngineLinks } from "./runtime/raft/engine_messages.ts";
export type { ClientSession } from "./runtime/raft/client_session.ts";
export { jsonLines, readJsonLines } from "./runtime/raft/json_lines.ts";
export type {
  Applied,
  Applying,
  Machine,
  MachineVersions,
  Place,
  Restoring,
} from "./runtime/raft/machine.ts";
export type {
  Configuration,
  Member as RaftMember,
  MembershipChange,
} from "./runtime/raft/core/configuration.ts";
export type { MemberId, SnapshotMeta } from "./runtime/raft/core/entry.ts";
export type { Durability } from "./runtime/raft/core/input.ts";
export type {
  RaftEvent,
  RefusalCode as RaftRefusalCode,
  Role,
} from "./runtime/raft/core/outputs.ts";
export type { ProgressState } from "./runtime/raft/core/progress.ts";
export type { PeerStatus, RaftStatus } from "./runtime/raft/core/status.ts";
export type { RaftCounts } from "./runtime/raft/raft_meter.ts";
export { compareTokens, Fence } from "./runtime/raft/fencing.ts";
export type { FencingToken } from "./runtime/raft/fencing.ts";
export { raftMembers } from "./runtime/cluster/raft_members.ts";
export type { ConfiguredGroup } from "./runtime/cluster/raft_members.ts";
export { placementMachine, raftAuthority } from "./runtime/cluster/raft_authority.ts";
export type { PlacementGroup, PlacementResult } from "./runtime/cluster/raft_authority.ts";
export { RaftError } from "./runtime/raft/errors.ts";
export type { RaftErrorCode } from "./runtime/raft/errors.ts";
export { RAFT_LIMITS } from "./runtime/raft/limits.ts";
export type { RaftLimits } from "./runtime/raft/limits.ts";
export { raftMetrics } from "./runtime/telemetry/raft_metrics.ts";

// What a node shows of itself.
export type { ActorView, NodeMetrics, ProtocolMetrics } from "./runtime/actor/inspect.ts";
export type {
  DeadLetter,
  DeadLetterCounts,
  DeadLetterReason,
  DeadLetters,
} from "./runtime/actor/dead_letters.ts";
export { actorMetrics } from "./runtime/telemetry/actor_metrics.ts";
export { linkMetrics } from "./runtime/telemetry/link_metrics.ts";
export { clusterMetrics } from "./runtime/telemetry/cluster_metrics.ts";
export type {
  ProgramCommand,
  ProgramEnd,
  Programs,
  RunningProgram,
} from "./runtime/env/programs.ts";
export type { Span, SpanAttributes, SpanStart, Tracing } from "./runtime/env/tracing.ts";
export type { HistogramData } from "./runtime/telemetry/histogram.ts";
export {
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
  TelemetryError,
} from "./runtime/telemetry/prometheus.ts";
export type { HistogramSample, Labels, Metric, Sample } from "./runtime/telemetry/prometheus.ts";

// The machine behind a node, and the bounds of everything.
export { CodecError } from "./runtime/env/codecs.ts";
export type { Aead, Codecs, Compression, Inflater } from "./runtime/env/codecs.ts";
export type {
  Block,
  Clock,
  DirectoryEntry,
  Disk,
  DiskFile,
  DiskLock,
  Env,
  FileInfo,
  Hasher,
  Hashing,
  HashLane,
  KvCheck,
  KvEntry,
  KvKey,
  KvMutation,
  KvPort,
  KvRange,
  KvStore,
  KvValue,
  LogLevel,
  LogPort,
  Net,
  NetBody,
  NetRequest,
  NetResponse,
  NetUpload,
  OpenOptions,
  Random,
  TimerHandle,
  Timers,
} from "./runtime/env/env.ts";
export type {
  CertificateProblem,
  ConnectOptions,
  ListenOptions,
  PeerCertificate,
  Socket,
  SocketBounds,
  SocketEnd,
  SocketEvents,
  SocketListener,
  SocketPeer,
  Sockets,
  WorkerHandle,
  Workers,
} from "./runtime/env/sockets.ts";
export { PersistentMap } from "./runtime/base/persistent_map.ts";
export type { RealEnvOptions } from "./runtime/env/real.ts";
export type { Limit, LimitTable, LimitUnit, LimitValues } from "./runtime/base/limits.ts";

// Transfer protocols from outside: examples/16_protocol. The suite for them is in ./testing.
export { abortedError, assertNotAborted } from "./protocols/aborting.ts";
export { containedPath, safeName, shownPath } from "./protocols/containment.ts";
export type {
  ByteRange,
  CopyOrder,
  DestinationFacts,
  Endpoint,
  Fence as SinkFence,
  Fingerprint,
  NoServerCopy,
  ProbeExpectation,
  ProtocolContext,
  ProtocolDescription,
  PublishOptions,
  Reach,
  ServerCopy,
  Sink,
  SinkCapabilities,
  SinkEndpoint,
  SinkFile,
  SinkPlace,
  Source,
  SourceCapabilities,
  SourceEndpoint,
  SourceFacts,
  SourceReader,
  TransferProtocol,
} from "./protocols/contract.ts";
export { assertCredentials } from "./protocols/credentials.ts";
export type { Credentials, CredentialType } from "./protocols/credentials.ts";
export type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryKind,
  EntryPage,
  RenameOptions,
} from "./protocols/directory.ts";
export { ProtocolError } from "./protocols/errors.ts";
export type { ProtocolErrorCode } from "./protocols/errors.ts";
export { assertSameVersion } from "./protocols/fingerprint.ts";
export { pathOfUri, uriOfPath } from "./protocols/path_uri.ts";
export { reachOf } from "./protocols/reach.ts";

function closing<N extends Node>(node: N, env: { close(): void }): N {
  const stop = node.stop.bind(node);
  node.stop = (stopOptions?: StopOptions) => stop(stopOptions).finally(() => env.close());
  return node;
}

/**
 * Starts a node on this machine's clock, timers, disk and network, or on `env`; stopping it frees them.
 * A process with a node lives until the node stops.
 *
 * It listens and dials only where `links` says so, see {@link HubOptions}; `links.ready` rejects where
 * it cannot listen. Peers are dialled again for as long as the node lives.
 *
 * @example Two nodes (they would be two processes) and an ask between them
 * ```ts
 * import { z } from "zod";
 * import { actor, ask, protocol, startNode } from "@quorus/quorus";
 *
 * const Greeter = protocol("demo.greeter", { version: 1, messages: {
 *   greet: ask(z.object({ name: z.string() }), z.string()),
 * } });
 * const greeter = actor(Greeter, {
 *   state: () => null,
 *   on: { greet: (_state, { name }) => `Hello, ${name}` },
 * });
 *
 * const token = "the same long random text on both";
 * const listen = [{ hostname: "127.0.0.1", port: 0 }]; // beyond loopback it wants `tls`
 * const server = startNode({ id: "server", links: { listen, token }, logLevel: "error" });
 * server.spawn(greeter, { name: "greeter" });
 * await server.links.ready;
 *
 * const client = startNode({ id: "client", links: { token }, logLevel: "error" });
 * await client.links.connect({ node: "server", url: server.links.urls[0]! });
 * const far = client.ref(Greeter, "quorus://server/greeter");
 * console.assert(await far.ask("greet", { name: "Ada" }, { withinMs: 1_000 }) === "Hello, Ada");
 *
 * await client.stop();
 * await server.stop();
 * ```
 *
 * @throws ActorError `BadName` if the id cannot stand in an address; RemoteError `PlainLink` or
 * `NoCredential` for links that anybody could read or join.
 */
export function startNode(
  options: LinkedNodeOptions & RealEnvOptions & { readonly env?: Env },
): LinkedNode {
  if (options.env !== undefined) return startLinkedNode(options.env, options);
  const env = realEnv(options);
  const onFatal = (error: unknown): void => {
    env.close();
    options.onFatal?.(error);
  };
  return closing(startLinkedNode(env, { ...options, onFatal }), env);
}

/**
 * Starts the node of this Worker and links it with the node that called `worker()`; `setup` spawns its
 * actors before anybody can reach them. The node ends with its starter's word or death.
 *
 * @example The module of a Worker; `await node.worker(import.meta.resolve("./worker.ts"), { name: "w1" })`
 * starts it, and `node.ref(Sum, "quorus://w1/sum")` is its actor
 * ```ts ignore
 * import { z } from "zod";
 * import { actor, ask, protocol, startWorkerNode } from "@quorus/quorus";
 *
 * const Sum = protocol("demo.sum", { version: 1, messages: {
 *   sum: ask(z.object({ numbers: z.array(z.number()) }), z.number()),
 * } });
 * const sum = actor(Sum, {
 *   state: () => null,
 *   on: { sum: (_state, { numbers }) => numbers.reduce((one, other) => one + other, 0) },
 * });
 * await startWorkerNode((node) => void node.spawn(sum, { name: "sum" }));
 * ```
 *
 * @throws RemoteError `NotAWorker` in a module that was started otherwise.
 */
export async function startWorkerNode(
  setup: (node: Node) => void,
  options: Omit<NodeOptions, "id"> & RealEnvOptions = {},
): Promise<Node> {
  const env = realEnv(options);
  const onFatal = (error: unknown): void => {
    env.close();
    options.onFatal?.(error);
  };
  const node = await startWorkerNodeWith(env, setup, { ...options, onFatal });
  return closing(node, env);
}

/**
 * Runs the core and the log of a group's member in this Worker, for {@link WorkerEngineOptions}; resolves
 * when the member has stopped it.
 *
 * @example The module of such a Worker, and its use by each member
 * ```ts ignore
 * import { startGroupWorker } from "@quorus/quorus";
 *
 * await startGroupWorker({ logLevel: "warn" });
 *
 * // In the process of the member "a":
 * await joinGroup(node, machine, {
 *   name: "demo",
 *   folder,
 *   members: ["a", "b", "c"],
 *   engine: {
 *     module: import.meta.resolve("./raft_worker.ts"),
 *     links: {
 *       token,
 *       listen: [{ hostname: "127.0.0.1", port: 5201 }],
 *       peers: [{ node: "b.raft", url: "ws://127.0.0.1:5202" }], // and so on
 *     },
 *   },
 * });
 * ```
 *
 * @throws RemoteError `NotAWorker` in a module that was started otherwise.
 */
export async function startGroupWorker(options: RealEnvOptions = {}): Promise<void> {
  const env = realEnv(options);
  try {
    await serveGroupMember(env);
  } finally {
    env.close();
  }
}
