/**
 * Quorus' actor runtime for any Deno service: typed protocols, supervised actors, bounded mailboxes.
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
import { startWorkerNode as startWorkerNodeWith } from "./runtime/remote/worker.ts";

export { QuorusError } from "./runtime/base/errors.ts";
export type { ErrorFacts } from "./runtime/base/errors.ts";
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
export { ActorError } from "./runtime/actor/errors.ts";
export type { ActorErrorCode } from "./runtime/actor/errors.ts";
export type { DeadLetter, DeadLetters } from "./runtime/actor/dead_letters.ts";
export type { ActorView, NodeMetrics } from "./runtime/actor/inspect.ts";
export { ACTOR_LIMITS } from "./runtime/actor/limits.ts";
export type { ActorLimits } from "./runtime/actor/limits.ts";
export type { Node, NodeOptions, StopOptions } from "./runtime/actor/node.ts";
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
export type { Env, LogLevel, LogPort } from "./runtime/env/env.ts";
export type { RealEnvOptions } from "./runtime/env/real.ts";

export { REMOTE_LIMITS } from "./runtime/remote/limits.ts";
export type { RemoteLimits } from "./runtime/remote/limits.ts";
export { RemoteError } from "./runtime/remote/handshake_refusals.ts";
export type { RefusalCode, RemoteErrorCode } from "./runtime/remote/handshake_refusals.ts";
export type { HubListen, HubOptions, PeerAddress } from "./runtime/remote/hub_options.ts";
export type { LinkedNode, LinkedNodeOptions, Links } from "./runtime/remote/linked_node.ts";
export type { PeerEvent, PeerView } from "./runtime/remote/peer.ts";
export { reliable } from "./runtime/remote/reliable.ts";
export type { Reliable, ReliableOptions } from "./runtime/remote/reliable.ts";
export type { WorkerNode } from "./runtime/remote/worker.ts";
export type { MessageLane } from "./runtime/remote/wire.ts";
export { actorMetrics } from "./runtime/telemetry/actor_metrics.ts";
export { PROMETHEUS_CONTENT_TYPE, prometheusText } from "./runtime/telemetry/prometheus.ts";
export type { Metric } from "./runtime/telemetry/prometheus.ts";

function closing<N extends Node>(node: N, env: { close(): void }): N {
  const stop = node.stop.bind(node);
  node.stop = (stopOptions?: StopOptions) => stop(stopOptions).finally(() => env.close());
  return node;
}

/**
 * Starts a node on this machine's clock, timers, disk and network; stopping it frees them.
 *
 * It listens and dials only where `links` says so; see {@link HubOptions}.
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
