/** Exactly once: what a session remembers of its commands, and how it answers those that come again. */

import { assert } from "../base/assert.ts";
import type {
  KeptReply,
  Reply,
  RunCommand,
  Session,
  SessionRefusal,
  SessionResult,
} from "./session_state.ts";

/** The session as the command leaves it, before the command itself is applied. */
export function usedBy<Result>(
  session: Session<Result>,
  { acknowledged }: RunCommand<unknown>,
  nowMs: number,
): Session<Result> {
  if (acknowledged <= session.acknowledged) return { ...session, usedMs: nowMs };
  const replies = session.replies.filter(({ sequence }) => sequence > acknowledged);
  return { ...session, usedMs: nowMs, acknowledged, replies };
}

/** The answer to a command that must not be applied: the kept reply or a refusal; null for a new one. */
export function answerOf<Result>(
  { acknowledged, replies }: Session<Result>,
  sequence: number,
  windowReplies: number,
): SessionResult<Result> | null {
  if (sequence <= acknowledged) return refused("AlreadyAcknowledged");
  const kept = replies.find((each) => each.sequence === sequence);
  if (kept !== undefined) return kept.reply;
  return sequence > acknowledged + windowReplies ? refused("SessionWindow") : null;
}

/** The session with the reply of `sequence`, which it does not have. */
export function withReply<Result>(
  session: Session<Result>,
  sequence: number,
  reply: Reply<Result>,
): Session<Result> {
  const next: KeptReply<Result> = { sequence, reply };
  const { replies } = session;
  const last = replies.at(-1);
  if (last === undefined || last.sequence < sequence) {
    return { ...session, replies: [...replies, next] };
  }
  const at = replies.findIndex((each) => each.sequence >= sequence);
  assert(replies[at]?.sequence !== sequence, "a session runs a sequence once");
  return { ...session, replies: replies.toSpliced(at, 0, next) };
}

/** A refusal as data. */
export function refused(code: SessionRefusal): SessionResult<never> {
  return { kind: "refused", code };
}
