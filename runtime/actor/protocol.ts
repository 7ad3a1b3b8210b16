/** Message protocols: one value that is the type, the validator and the wire contract. */

import type { z } from "zod";
import type { MessageLane } from "../remote/wire.ts";
import { ActorError } from "./errors.ts";

/** A one-way message. */
export interface Tell<Body extends z.ZodType = z.ZodType> {
  readonly kind: "tell";
  readonly body: Body;
  readonly lane: MessageLane;
}

/** How a message travels between nodes. */
export interface MessageOptions {
  /**
   * The lane on links (default "message"); order holds within a lane. "consensus" is Raft's. "bulk" is
   * for chunks of data, on a socket of its own: byte arrays sent on it are given away, and the sender
   * must not touch them again.
   */
  readonly lane?: MessageLane;
}

/** A message that is answered. */
export interface Ask<Body extends z.ZodType = z.ZodType, Reply extends z.ZodType = z.ZodType> {
  readonly kind: "ask";
  readonly body: Body;
  readonly reply: Reply;
  readonly lane: MessageLane;
}

/** The messages of a protocol by tag. */
export type Messages = Readonly<Record<string, Tell | Ask>>;

/** A message protocol; callers import it, never the actor behind it. */
export interface Protocol<M extends Messages = Messages> {
  readonly name: string;
  readonly version: number;
  readonly messages: M;
}

/** Tags of the one-way messages of `P`. */
export type TellTag<P extends Protocol> =
  & {
    [T in keyof P["messages"]]: P["messages"][T] extends Tell ? T : never;
  }[keyof P["messages"]]
  & string;

/** Tags of the answered messages of `P`. */
export type AskTag<P extends Protocol> =
  & {
    [T in keyof P["messages"]]: P["messages"][T] extends Ask ? T : never;
  }[keyof P["messages"]]
  & string;

/** All tags of `P`. */
export type Tag<P extends Protocol> = keyof P["messages"] & string;

/** The body of message `T`. */
export type BodyOf<P extends Protocol, T extends Tag<P>> = z.output<P["messages"][T]["body"]>;

/** The reply to message `T`; `void` for a one-way message. */
export type ReplyOf<P extends Protocol, T extends Tag<P>> = P["messages"][T] extends
  Ask<z.ZodType, infer Reply> ? z.output<Reply> : void;

/** Declares a one-way message with the schema of its body. */
export function tell<Body extends z.ZodType>(
  body: Body,
  options: MessageOptions = {},
): Tell<Body> {
  return { kind: "tell", body, lane: options.lane ?? "message" };
}

/** Declares an answered message with the schemas of its body and of its reply. */
export function ask<Body extends z.ZodType, Reply extends z.ZodType>(
  body: Body,
  reply: Reply,
  options: MessageOptions = {},
): Ask<Body, Reply> {
  return { kind: "ask", body, reply, lane: options.lane ?? "message" };
}

/** The lane of a message on links. */
export function laneOf(protocol: Protocol, tag: string): MessageLane {
  return Object.hasOwn(protocol.messages, tag) ? protocol.messages[tag]!.lane : "message";
}

/**
 * Declares a message protocol.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { ask, protocol, tell } from "@quorus/quorus";
 *
 * const Counter = protocol("demo.counter", { version: 1, messages: {
 *   add: tell(z.object({ amount: z.number() })),
 *   total: ask(z.object({}), z.number()),
 * } });
 * ```
 * @throws ActorError `BadName` if the name is not dotted lower-case words or the version not >= 1.
 */
export function protocol<const M extends Messages>(
  name: string,
  options: { readonly version: number; readonly messages: M },
): Protocol<M> {
  if (!/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/.test(name)) {
    throw new ActorError("BadName", `declare protocol "${name}": use dotted lower-case words`);
  }
  if (!Number.isSafeInteger(options.version) || options.version < 1) {
    throw new ActorError("BadName", `declare protocol "${name}": its version counts from 1`);
  }
  return { name, version: options.version, messages: options.messages };
}

/**
 * Checks a body that crossed a trust boundary (network, disk, gateway) and returns the typed one.
 *
 * @throws ActorError `BadMessage` with zod's issues as cause.
 */
export function parseBody<P extends Protocol, T extends Tag<P>>(
  protocol: P,
  tag: T,
  body: unknown,
): BodyOf<P, T> {
  const message = Object.hasOwn(protocol.messages, tag) ? protocol.messages[tag] : undefined;
  if (message === undefined) {
    throw new ActorError("BadMessage", `parse "${tag}" of ${protocol.name}: no such message`);
  }
  return parsed(message.body, body, `"${tag}" of ${protocol.name}`) as BodyOf<P, T>;
}

/**
 * Checks a reply that came from another node.
 *
 * @throws ActorError `BadMessage` with zod's issues as cause.
 */
export function parseReply(protocol: Protocol, tag: string, reply: unknown): unknown {
  const message = Object.hasOwn(protocol.messages, tag) ? protocol.messages[tag] : undefined;
  if (message?.kind !== "ask") {
    throw new ActorError("BadMessage", `parse reply to "${tag}" of ${protocol.name}: it has none`);
  }
  return parsed(message.reply, reply, `reply to "${tag}" of ${protocol.name}`);
}

function parsed(schema: z.ZodType, value: unknown, what: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { error } = result;
  const issues = error.issues.map(({ path, message }) =>
    `${path.join(".") || "all of it"}: ${message}`
  );
  throw new ActorError(
    "BadMessage",
    `parse ${what}: ${issues.join("; ")}; correct the sender, or the schema on both sides`,
    { cause: error },
  );
}
