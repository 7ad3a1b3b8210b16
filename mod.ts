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

import { type NodeOptions, startNode as startNodeWith } from "./runtime/actor/node.ts";
import type { Node, StopOptions } from "./runtime/actor/node.ts";
import type { Env } from "./runtime/env/env.ts";
import { realEnv, type RealEnvOptions } from "./runtime/env/real.ts";

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

/**
 * Starts a node on this machine's clock, timers, disk and network; stopping it frees them.
 *
 * @throws ActorError `BadName` if the id cannot stand in an address.
 */
export function startNode(options: NodeOptions & RealEnvOptions & { readonly env?: Env }): Node {
  if (options.env !== undefined) return startNodeWith(options.env, options);
  const env = realEnv(options);
  const node = startNodeWith(env, {
    ...options,
    onFatal: (error) => {
      env.close();
      options.onFatal?.(error);
    },
  });
  const stop = node.stop.bind(node);
  node.stop = (stopOptions?: StopOptions) => stop(stopOptions).finally(() => env.close());
  return node;
}
