/** What is under way on a stage, and how a script says which of it is meant. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import { ScriptError } from "./script_error.ts";

/** Work of a member beside its messages: writes, applying, snapshots, and pieces of snapshots. */
export const WORK_KINDS = ["disk", "machine", "snapshot", "piece"] as const;

/** A kind of work. */
export type WorkKind = typeof WORK_KINDS[number];

/** Something that is about to happen. */
export type Thing =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: WorkKind; readonly of: MemberId; readonly run: () => void };

/** Which things are meant; null: any. */
export type Selector =
  | {
    readonly of: "messages";
    readonly text: string;
    readonly types: readonly string[] | null;
    readonly from: MemberId | null;
    readonly to: MemberId | null;
  }
  | { readonly of: WorkKind; readonly text: string; readonly members: readonly MemberId[] };

const MESSAGE_TYPES: readonly Message["type"][] = [
  "preVote",
  "preVoteReply",
  "vote",
  "voteReply",
  "append",
  "appendReply",
  "heartbeat",
  "heartbeatReply",
  "snapshotChunk",
  "snapshotReply",
  "readIndex",
  "readIndexReply",
  "timeoutNow",
];

/** `disk a b`, `append,heartbeat a -> b`, `a -> *`, `vote`, `messages`. */
export function parseSelector(words: readonly string[]): Selector {
  const [first = ""] = words;
  const text = words.join(" ");
  const work = WORK_KINDS.find((kind) => kind === first);
  if (work !== undefined) return { of: work, text, members: words.slice(1) };
  const arrow = words.indexOf("->");
  const named = arrow === -1 ? words : words.slice(0, arrow - 1);
  if (named.length !== 1 && (arrow === -1 || named.length > 1)) {
    throw new ScriptError(`what? ${text}`);
  }
  const types = named[0] === undefined || named[0] === "messages" ? null : named[0].split(",");
  for (const type of types ?? []) {
    if (!MESSAGE_TYPES.some((known) => known === type)) throw new ScriptError(`no message ${type}`);
  }
  if (arrow === -1) return { of: "messages", text, types, from: null, to: null };
  const end = (word: string | undefined) => word === "*" || word === undefined ? null : word;
  return { of: "messages", text, types, from: end(words[arrow - 1]), to: end(words[arrow + 1]) };
}

/** Whether `thing` is meant. */
export function selects(selector: Selector, thing: Thing): boolean {
  if (selector.of !== "messages") {
    if (thing.kind === "message" || thing.kind !== selector.of) return false;
    return selector.members.length === 0 || selector.members.includes(thing.of);
  }
  if (thing.kind !== "message") return false;
  const { type, from, to } = thing.message;
  return (selector.types?.includes(type) ?? true) && (selector.from ?? from) === from &&
    (selector.to ?? to) === to;
}
