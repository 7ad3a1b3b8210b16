/**
 * The test kit: a node on virtual time and probes that record what actors are told.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, protocol, tell } from "@quorus/quorus";
 * import { probe, virtualNode } from "@quorus/quorus/testing";
 *
 * const Alarm = protocol("demo.alarm", { version: 1, messages: { ring: tell(z.object({})) } });
 * const Clock = protocol("demo.clock", { version: 1, messages: {
 *   wake: tell(z.object({ listener: z.string(), ms: z.number() })),
 *   due: tell(z.object({ listener: z.string() })),
 * } });
 * const clock = actor(Clock, {
 *   state: () => null,
 *   on: {
 *     wake: (_, { listener, ms }, ctx) => ctx.after("wake", ms, "due", { listener }),
 *     due: (_, { listener }, ctx) => ctx.ref(Alarm, listener).tell("ring", {}),
 *   },
 * });
 *
 * const { node, world } = virtualNode({ seed: 1 });
 * const alarm = probe(node, Alarm);
 * node.spawn(clock, {}).tell("wake", { listener: alarm.ref.address, ms: 60_000 });
 * await world.pass(59_000);
 * console.assert(alarm.received.length === 0);
 * await world.complete(alarm.next("ring"));
 * await world.complete(node.stop());
 * ```
 *
 * @module
 */

import { actor } from "./runtime/actor/definition.ts";
import type { Context } from "./runtime/actor/definition.ts";
import { ActorError } from "./runtime/actor/errors.ts";
import { type Node, type NodeOptions, startNode } from "./runtime/actor/node.ts";
import type { AskTag, BodyOf, Protocol, ReplyOf, Tag } from "./runtime/actor/protocol.ts";
import type { Ref } from "./runtime/actor/ref.ts";
import { type SimulatedEnv, simulatedEnv } from "./runtime/sim/env.ts";
import type { World } from "./runtime/sim/world.ts";

// A simulated machine, its world and its time.
export { simulatedEnv } from "./runtime/sim/env.ts";
export { simHttpServing } from "./runtime/sim/http_server.ts";
export type { SimulatedEnv, SimulatedEnvOptions } from "./runtime/sim/env.ts";
export { World } from "./runtime/sim/world.ts";
export type { WorkerMain, WorldOptions } from "./runtime/sim/world.ts";
export type { Owner, VirtualTime } from "./runtime/sim/time.ts";
export type { Drift, MachineClocks } from "./runtime/sim/clock.ts";
export type { SeededRandom } from "./runtime/sim/random.ts";
export type { CrashKind, DelayMs, Incarnation, Processor } from "./runtime/sim/incarnation.ts";
export type { SimFaults, SimLogRecord, SimMachine } from "./runtime/sim/machine.ts";
export type { SimHandler, SimReply } from "./runtime/sim/hosts.ts";

// The network between simulated machines.
export type {
  Direction,
  PathConditions,
  SimConnection,
  SimListener,
  SimNetwork,
} from "./runtime/sim/network.ts";
export type { Path } from "./runtime/sim/path.ts";

// Faults, drawn and applied.
export { FAULT_RANGES } from "./runtime/sim/faults.ts";
export type { DiskRates, Fault, FaultEvent, FaultKind, FaultPlan } from "./runtime/sim/faults.ts";
export { drawFaults } from "./runtime/sim/fault_draw.ts";
export type { FaultScope } from "./runtime/sim/fault_draw.ts";
export { applyFaults } from "./runtime/sim/fault_apply.ts";
export type { FaultCluster, FaultsUnderWay } from "./runtime/sim/fault_apply.ts";

// Scenarios, run over many seeds and shrunk.
export { scenario } from "./runtime/sim/scenario.ts";
export type { Scenario, ScenarioFaults } from "./runtime/sim/scenario.ts";
export { Simulation } from "./runtime/sim/simulation.ts";
export type { Holds, SimulationOptions, SmallValues } from "./runtime/sim/simulation.ts";
export type { SimulationWorld, WorldWatch } from "./runtime/sim/simulation_world.ts";
export { SimCluster } from "./runtime/sim/simulation_cluster.ts";
export type { Boot } from "./runtime/sim/simulation_cluster.ts";
export { SimulationFailure } from "./runtime/sim/simulation_failure.ts";
export type { SimulationFailureCode } from "./runtime/sim/simulation_failure.ts";
export type { Fact, History, PastFact } from "./runtime/sim/simulation_history.ts";
export { Recorder } from "./runtime/sim/simulation_recorder.ts";
export type {
  Recorded as RecordedItem,
  RecordedFrame,
  RecordedMark,
} from "./runtime/sim/simulation_recorder.ts";
export { explore } from "./runtime/sim/explore.ts";
export type { ExploreOptions, ScenarioReport, SeedFailure } from "./runtime/sim/explore.ts";
export type { SeedOptions, SeedRun } from "./runtime/sim/explore_seed.ts";
export type { Shrunk } from "./runtime/sim/shrink.ts";
export { ForbiddenGlobal, replaceGlobals } from "./runtime/sim/globals.ts";
export type { ReplacedGlobals } from "./runtime/sim/globals.ts";

// The suite that every transfer protocol passes, those from outside too: it registers tests.
export { conformance } from "./tests/conformance/suite.ts";
export type {
  AfterOpening,
  DirectoryHarness,
  Harness,
  SinkHarness,
  SourceHarness,
} from "./tests/conformance/harness.ts";

// A store in memory, and the contract of protocols that it keeps.
export { memoryProtocol } from "./protocols/memory/protocol.ts";
export { MemoryStore } from "./protocols/memory/store.ts";
export type { MemoryStoreOptions, StoredFile } from "./protocols/memory/store.ts";
export type {
  MemoryEvent,
  MemoryFailure,
  MemoryFaults,
  MemoryOperation,
} from "./protocols/memory/operations.ts";
export type { Upload } from "./protocols/memory/upload.ts";
export type {
  ByteRange,
  DestinationFacts,
  Endpoint,
  Fence,
  Fingerprint,
  ProbeExpectation,
  ProtocolContext,
  ProtocolDescription,
  PublishOptions,
  Reach,
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
export type { Credentials, CredentialType } from "./protocols/credentials.ts";
export type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryKind,
  EntryPage,
  RenameOptions,
} from "./protocols/directory.ts";
export type { ProtocolErrorCode } from "./protocols/errors.ts";

/** A message that a probe was told. */
export type Recorded<P extends Protocol> = {
  [T in Tag<P>]: { readonly tag: T; readonly body: BodyOf<P, T> };
}[Tag<P>];

/** The replies a probe gives to asks. */
export type ProbeReplies<P extends Protocol> = {
  readonly [T in AskTag<P>]?: (body: BodyOf<P, T>) => ReplyOf<P, T>;
};

/** An actor that records what it is told. */
export interface Probe<P extends Protocol> {
  readonly ref: Ref<P>;
  /** Everything so far, oldest first. */
  readonly received: readonly Recorded<P>[];
  /** The next message of that tag that no `next` has taken yet; waits for it. */
  next<T extends Tag<P>>(tag: T): Promise<BodyOf<P, T>>;
}

/** A node on virtual time, and the world that lets the time pass. */
export interface VirtualNode {
  readonly node: Node;
  readonly env: SimulatedEnv;
  readonly world: World;
}

/** How a virtual node is started; messages go through the codec unless told otherwise. */
export type VirtualNodeOptions = Partial<NodeOptions> & {
  readonly seed?: number;
  readonly world?: World;
};

/** Starts a node on virtual time in a world of its own, or in the given one. */
export function virtualNode(options: VirtualNodeOptions = {}): VirtualNode {
  const { seed = 1, world, ...rest } = options;
  const id = rest.id ?? "virtual";
  const env = simulatedEnv(world === undefined ? { seed, name: id } : { seed, world, name: id });
  return {
    node: startNode(env, { roundTripMessages: true, ...rest, id }),
    env,
    world: env.world,
  };
}

interface Waiting {
  readonly tag: string;
  readonly resolve: (body: unknown) => void;
}

/** Starts a probe for `protocol`; an ask without a reply in `replies` fails the probe. */
export function probe<P extends Protocol>(
  node: Node,
  protocol: P,
  options: { readonly name?: string; readonly replies?: ProbeReplies<P> } = {},
): Probe<P> {
  const received: { tag: string; body: unknown }[] = [];
  const untaken: { tag: string; body: unknown }[] = [];
  const waiting: Waiting[] = [];
  const replies = (options.replies ?? {}) as Record<string, (body: unknown) => unknown>;
  const record = (tag: string) => (_state: unknown, body: unknown, ctx: Context): unknown => {
    received.push({ tag, body });
    const index = waiting.findIndex((one) => one.tag === tag);
    if (index >= 0) waiting.splice(index, 1)[0]!.resolve(body);
    else untaken.push({ tag, body });
    if (protocol.messages[tag]!.kind === "tell") return undefined;
    const reply = replies[tag];
    if (reply === undefined) throw noReply(ctx.self.address, tag);
    return reply(body);
  };
  const on = Object.fromEntries(Object.keys(protocol.messages).map((tag) => [tag, record(tag)]));
  const definition = actor<Protocol, null, unknown>(protocol, { state: () => null, on });
  const name = options.name === undefined ? {} : { name: options.name };
  return {
    ref: node.spawn(definition, name) as unknown as Ref<P>,
    received: received as Recorded<P>[],
    next: <T extends Tag<P>>(tag: T) => {
      const index = untaken.findIndex((one) => one.tag === tag);
      if (index >= 0) return Promise.resolve(untaken.splice(index, 1)[0]!.body as BodyOf<P, T>);
      return new Promise<BodyOf<P, T>>((resolve) => {
        waiting.push({ tag, resolve: resolve as (body: unknown) => void });
      });
    },
  };
}

function noReply(address: string, tag: string): ActorError {
  return new ActorError("HandlerFailed", `probe ${address}: no reply to "${tag}" was given to it`);
}
