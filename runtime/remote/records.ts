/**
 * Records as they come off the wire, checked by hand: what a schema library needs a microsecond for
 * takes a tenth. A record that fails costs itself; unknown fields are left for later versions.
 */

import { ActorError } from "../actor/errors.ts";
import { ACTOR_LIMITS } from "../actor/limits.ts";
import {
  type ControlRecord,
  FAILED_OUTCOMES,
  type LaneCounts,
  MESSAGE_LANES,
  type MessageRecord,
  type ReplyRecord,
  type SystemBody,
  type TargetCount,
  type WireError,
} from "./wire.ts";

/** Names, addresses and traces on the wire: a path, and room for the node before it. */
const MAX_TEXT = 2 * ACTOR_LIMITS.nameCharacters.value;

type Raw = Record<string, unknown>;

/** Error `BadMessage`; `details` has `to` and `id` where they could be read, for credit and a reply. */
function bad(what: string, raw?: Raw, cause?: unknown): ActorError {
  const details: Record<string, unknown> = {};
  if (raw !== undefined && isText(raw["to"])) details["to"] = raw["to"];
  if (raw !== undefined && isCount(raw["id"])) details["id"] = raw["id"];
  if (raw !== undefined && isCount(raw["re"])) details["re"] = raw["re"];
  const message = `read record: ${what}; drop it, its sender has a defect`;
  return new ActorError(
    "BadMessage",
    message,
    cause === undefined ? { details } : {
      details,
      cause,
    },
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT;
}

function isRecord(raw: unknown): raw is Raw {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}

/** A message to an actor; ActorError `BadMessage` with `details` {to?, id?} if it is none. */
export function parseMessageRecord(raw: unknown): MessageRecord {
  if (!isRecord(raw)) throw bad("a message is no object");
  const { v, type, to, from, id, budgetMs, trace, producer, body } = raw;
  if (!isCount(v)) throw bad("v of a message is no version", raw);
  if (!isText(type) || type.indexOf("/") < 1) throw bad("type of a message is no name", raw);
  if (!isText(to)) throw bad("to of a message is no path", raw);
  if (from !== undefined && !isText(from)) throw bad("from of a message is no address", raw);
  if (trace !== undefined && !isText(trace)) throw bad("trace of a message is no text", raw);
  if (id !== undefined || budgetMs !== undefined) {
    if (!isCount(id)) throw bad("id of an ask is no number", raw);
    if (!isAmount(budgetMs)) throw bad("budgetMs of an ask is no duration", raw);
  }
  if (producer !== undefined || raw["seq"] !== undefined) checkReliable(raw);
  checkBody(body, raw);
  return raw as unknown as MessageRecord;
}

function checkReliable(raw: Raw): void {
  const { producer, seq, confirmed = 0 } = raw;
  if (!isText(producer)) throw bad("producer of a message is no name", raw);
  if (!isCount(seq) || seq < 1) throw bad("seq of a message is no number from 1", raw);
  if (!isCount(confirmed) || confirmed >= seq) throw bad("confirmed is not below seq", raw);
}

/** The codec leaves its error where a body could not be decoded. */
function checkBody(body: unknown, raw: Raw): void {
  if (body instanceof ActorError) throw bad(body.message, raw, body);
  if (body === undefined && !Object.hasOwn(raw, "body")) throw bad("a body is missing", raw);
}

/** The outcome of an ask; ActorError `BadMessage` with `details` {re?} if it is none. */
export function parseReplyRecord(raw: unknown): ReplyRecord {
  if (!isRecord(raw)) throw bad("a reply is no object");
  if (!isCount(raw["re"])) throw bad("re of a reply is no number", raw);
  if (raw["error"] !== undefined) {
    return { re: raw["re"], error: wireError(raw["error"], raw) };
  }
  checkBody(raw["body"], raw);
  return raw as unknown as ReplyRecord;
}

function wireError(error: unknown, raw: Raw): WireError {
  if (!isRecord(error)) throw bad("an error is no object", raw);
  const { code, message, retryable, definite } = error;
  if (!isText(code) || typeof message !== "string") throw bad("an error has no code", raw);
  if (retryable !== undefined && typeof retryable !== "boolean") throw bad("retryable", raw);
  if (definite !== undefined && typeof definite !== "boolean") throw bad("definite", raw);
  return error as unknown as WireError;
}

/** A record of the control lane; ActorError `BadMessage` if it is none. */
export function parseControlRecord(raw: unknown): ControlRecord {
  if (!isRecord(raw)) throw bad("a control record is no object");
  checkControl(raw);
  return raw as unknown as ControlRecord;
}

function checkControl(raw: Raw): void {
  switch (raw["c"]) {
    case "ping":
    case "pong":
      return need(isCount(raw["n"]), "n", raw);
    case "credit":
      return checkTargets(raw["processed"], raw);
    case "cancel":
      return need(isCount(raw["id"]), "id", raw);
    case "system":
      need(isCount(raw["seq"]), "seq", raw);
      return checkSystem(raw["body"], raw);
    case "acknowledge":
      return need(isCount(raw["seq"]), "seq", raw);
    case "confirm":
      return checkConfirm(raw);
    case "resume":
      checkLaneCounts(raw["sent"], raw);
      checkTargets(raw["pending"], raw);
      return need(isCount(raw["systemReceived"]), "systemReceived", raw);
    case "bulk":
      return;
    case "bye":
      return need(typeof raw["reason"] === "string", "reason", raw);
    default:
      throw bad("the kind of a control record is unknown");
  }
}

function need(fact: boolean, field: string, raw: Raw): void {
  if (!fact) throw bad(`${field} of control record ${raw["c"]} is malformed`);
}

function checkConfirm(raw: Raw): void {
  const { producer, seq, failed = [], again } = raw;
  need(isText(producer), "producer", raw);
  need(isCount(seq), "seq", raw);
  need(again === undefined || isCount(again), "again", raw);
  need(Array.isArray(failed), "failed", raw);
  for (const one of failed as unknown[]) {
    const [number, outcome] = Array.isArray(one) ? one : [];
    need(isCount(number) && FAILED_OUTCOMES.includes(outcome), "an outcome", raw);
  }
}

function checkTargets(targets: unknown, raw: Raw): void {
  need(Array.isArray(targets), "the list of targets", raw);
  for (const target of targets as unknown[]) {
    need(isTarget(target), "a target", raw);
  }
}

function isTarget(target: unknown): target is TargetCount {
  return isRecord(target) && isMessageLane(target["lane"]) && isText(target["to"]) &&
    isCount(target["messages"]) && isCount(target["bytes"]);
}

function isMessageLane(lane: unknown): boolean {
  return lane === "message" || lane === "consensus" || lane === "bulk";
}

function checkLaneCounts(counts: unknown, raw: Raw): asserts counts is LaneCounts {
  need(isRecord(counts), "the counts of lanes", raw);
  for (const lane of MESSAGE_LANES) {
    need(isCount((counts as Raw)[lane]), `the count of lane ${lane}`, raw);
  }
}

function checkSystem(body: unknown, raw: Raw): asserts body is SystemBody {
  if (!isRecord(body)) throw bad("body of control record system is malformed");
  need(isCount(body["watch"]), "watch", raw);
  switch (body["do"]) {
    case "watch":
      return need(isText(body["path"]), "path", raw);
    case "unwatch":
      return;
    case "ended":
      need(isEndReason(body["reason"]), "reason", raw);
      if (body["error"] !== undefined) wireError(body["error"], raw);
      return checkLaneCounts(body["after"], raw);
    default:
      throw bad("the kind of a system message is unknown");
  }
}

function isEndReason(reason: unknown): boolean {
  return reason === "stopped" || reason === "failed" || reason === "unreachable";
}
