/** What the members of a group say to each other over links: Raft's messages, and commands passed on. */

import { z } from "zod";
import { protocol, tell } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import type { Message } from "./core/messages.ts";
import { decodeEntries, encodeEntries } from "./wal/entry_codec.ts";

const whole = z.number().int().min(0);
const id = z.string().min(1).max(128);
const head = { from: id, to: id, term: whole };
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "bytes");

const member = z.object({
  id,
  role: z.enum(["voter", "learner"]),
  witness: z.boolean(),
  priority: whole,
});
const configuration = z.object({
  members: z.array(member).max(64),
  outgoing: z.array(member).max(64).nullable(),
});
const snapshot = z.object({
  index: whole,
  term: whole,
  stampMs: z.number(),
  configuration,
  configurationIndex: whole,
});
const file = z.object({ bytes: whole, crc: whole });

const last = { lastIndex: whole, lastTerm: whole };
const session = whole;

/** Raft's messages with entries as one block of bytes. */
const wire = z.discriminatedUnion("type", [
  z.object({ type: z.literal("preVote"), ...head, ...last }),
  z.object({ type: z.literal("preVoteReply"), ...head, granted: z.boolean() }),
  z.object({ type: z.literal("vote"), ...head, ...last, transfer: z.boolean() }),
  z.object({ type: z.literal("voteReply"), ...head, granted: z.boolean() }),
  z.object({
    type: z.literal("append"),
    ...head,
    session,
    prevIndex: whole,
    prevTerm: whole,
    entries: bytes,
    commit: whole,
  }),
  z.object({
    type: z.literal("appendReply"),
    ...head,
    session: z.number().int().min(-1), // -1 is nobody's: a stale leader is told of a higher term
    match: whole.nullable(),
    rejected: whole,
    hintIndex: whole,
    hintTerm: whole,
  }),
  z.object({ type: z.literal("heartbeat"), ...head, session, commit: whole, round: whole }),
  z.object({
    type: z.literal("heartbeatReply"),
    ...head,
    session,
    round: whole,
    wallMs: z.number(),
    machineVersion: whole.optional(),
  }),
  z.object({ type: z.literal("snapshotReply"), ...head, session, index: whole, nextOffset: whole }),
  z.object({
    type: z.literal("readIndex"),
    ...head,
    context: z.string().max(256),
    byClock: z.boolean(),
  }),
  z.object({
    type: z.literal("readIndexReply"),
    ...head,
    context: z.string().max(256),
    index: whole.nullable(),
  }),
  z.object({ type: z.literal("timeoutNow"), ...head }),
]);

/** A piece of a snapshot: apart, since it goes over the lane for data, where nothing urgent waits. */
const chunk = z.object({
  type: z.literal("snapshotChunk"),
  ...head,
  session,
  snapshot,
  file,
  offset: whole,
  bytes,
});

/** A message as it travels. */
export type WireMessage = z.output<typeof wire> | z.output<typeof chunk>;

/** A command on its way to the leader; `id` is the sender's. */
const forward = z.object({
  from: id,
  id: whole,
  command: bytes,
  durability: z.enum(["quorum", "all", "leader"]),
  withinMs: z.number(),
});

/** What became of it. */
const forwarded = z.object({
  id: whole,
  outcome: z.discriminatedUnion("ok", [
    z.object({ ok: z.literal(true), index: whole, level: z.string(), result: bytes.nullable() }),
    z.object({
      ok: z.literal(false),
      code: z.string(),
      message: z.string(),
      definite: z.boolean(),
      retryable: z.boolean(),
    }),
  ]),
});

/** A change of members or a transfer, asked of the leader. */
const order = z.object({
  from: id,
  id: whole,
  order: z.discriminatedUnion("do", [
    z.object({ do: z.literal("addLearner"), member: member.omit({ role: true }) }),
    z.object({ do: z.literal("promote"), id }),
    z.object({ do: z.literal("remove"), id }),
    z.object({ do: z.literal("replace"), id, by: id }),
    z.object({ do: z.literal("setPriority"), id, priority: whole }),
    z.object({ do: z.literal("transfer"), to: id.nullable() }),
  ]),
});

/** An order as it travels. */
export type GroupOrder = z.output<typeof order>["order"];
/** The answer to what was passed on. */
export type ForwardedOutcome = z.output<typeof forwarded>["outcome"];

/** The message protocol of a group's members; Raft's own messages have their lane. */
export const GroupProtocol = protocol("quorus.raft", {
  version: 1,
  messages: {
    raft: tell(wire, { lane: "consensus" }),
    chunk: tell(chunk, { lane: "bulk" }),
    forward: tell(forward),
    order: tell(order),
    forwarded: tell(forwarded),
  },
});

/** The path of a group's actor on each of its nodes. */
export function groupPath(group: string): string {
  return `raft/${group}`;
}

/** Sends a message of the core; false where it certainly went nowhere. */
export function sendTo(peer: Ref<typeof GroupProtocol>, message: Message): boolean {
  if (message.type === "snapshotChunk") {
    return peer.tell("chunk", message as z.output<typeof chunk>) === "accepted";
  }
  const body = message.type === "append"
    ? { ...message, entries: encodeEntries(message.entries) }
    : message as z.output<typeof wire>;
  return peer.tell("raft", body) === "accepted";
}

/** The message of the core; RaftError `LogCorrupt` where the entries are none. */
export function fromWire(message: WireMessage): Message {
  return message.type === "append"
    ? { ...message, entries: decodeEntries(message.entries) }
    : message as Message;
}
