/** Exactly once: what a session remembers of its commands, and how it answers those that come again. */

import { assert } from "../base/assert.ts";
import type {
  KeptReply,
  Reply,
  RunCommand,
  Session,
  SessionRefusalCode,
  SessionResult,
} from "./session_state.ts";

/** The session as the command leaves it, before the command itself is applied. */
export function usedBy<Result>(
  session: Session<Result>,
  { acknowledged }: RunCommand<unknown>,
  nowMs: number,
): Session<Result> {
  if (acknowledged <= session.acknowledged) return { ...session, usedMs: nowMs };
  const replies = session.replies.filter(({ sequence }) => sequence >= acknowledged);
  return { ...session, usedMs: nowMs, acknowledged, replies };
}

/** The answer to a command that must not be applied: the kept reply or a refusal; null for a new one. */
export function answerOf<Result>(
  { acknowledged, replies }: Session<Result>,
  { session, sequence }: RunCommand<unknown>,
  windowReplies: number,
): SessionResult<Result> | null {
  if (sequence < acknowledged) {
    const reason =
      `sequence ${sequence} of session ${session} was acknowledged, up to ${acknowledged}`;
    return refused("AlreadyAcknowledged", reason);
  }
  const kept = replies.find((each) => each.sequence === sequence);
  if (kept !== undefined) return kept.reply;
  if (sequence < acknowledged + windowReplies) return null;
  const reason = `sequence ${sequence} of session ${session} is ${windowReplies} or more past ` +
    `${acknowledged}, the first that is not acknowledged`;
  return refused("SessionWindow", reason);
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
export function refused(code: SessionRefusalCode, reason: string): SessionResult<never> {
  return { outcome: "refused", code, reason };
}
