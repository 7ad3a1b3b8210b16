/** Errors as they travel between nodes, and back. */

import { ActorError, type ActorErrorCode } from "../actor/errors.ts";
import { errorData } from "../base/errors.ts";
import type { WireError } from "./wire.ts";

const MESSAGE_CHARACTERS = 2_000;

/** Every code, so that the compiler finds one that is missing here. */
const KNOWN: Readonly<Record<ActorErrorCode, true>> = {
  AskTimeout: true,
  ActorStopped: true,
  NoSuchActor: true,
  MailboxFull: true,
  HandlerFailed: true,
  CallCycle: true,
  Cancelled: true,
  Unreachable: true,
  NameTaken: true,
  BadName: true,
  StartFailed: true,
  ContextRevoked: true,
  WaitInHandler: true,
  IntensityExceeded: true,
  SettleTimeout: true,
  NodeStopped: true,
  TooMany: true,
  NotEncodable: true,
  NotAdmitted: true,
  BadMessage: true,
};

/** What of an error travels: no stack, no details, no cause. */
export function toWireError(thrown: unknown): WireError {
  const { code, message, retryable, definite } = errorData(thrown);
  return { code, message: message.slice(0, MESSAGE_CHARACTERS), retryable, definite };
}

/** The error of another node as one of ours; a code that is none of the runtime's is `HandlerFailed`. */
export function fromWireError(error: WireError, node: string): ActorError {
  const { code, retryable = false, definite = false } = error;
  const message = error.message.slice(0, MESSAGE_CHARACTERS);
  const known = Object.hasOwn(KNOWN, code);
  return new ActorError(
    known ? code as ActorErrorCode : "HandlerFailed",
    known ? message : `${code}: ${message}`,
    { retryable, definite, details: { node, code } },
  );
}
