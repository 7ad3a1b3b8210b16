/** Why a reliable message was not handled, in words for who sent it. */

import { ActorError, type ActorErrorCode } from "../actor/errors.ts";
import type { FailedOutcome } from "./wire.ts";

interface Why {
  readonly code: ActorErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
  readonly definite?: boolean;
}

/** None of these is sent again: the actor's node has answered for the message. */
const WHY: Readonly<Record<FailedOutcome, Why>> = {
  failed: {
    code: "HandlerFailed",
    text: "its handler failed; look into the log of its node before sending it again",
    definite: false,
  },
  refused: {
    code: "MailboxFull",
    text: "its mailbox was full; send it again later, or slow down",
    retryable: true,
  },
  dropped: {
    code: "MailboxFull",
    text: "its full mailbox has dropped it; send it again later, or slow down",
    retryable: true,
  },
  dead: {
    code: "ActorStopped",
    text:
      "no actor of that name and protocol took it, or it stopped before its handler was through",
    definite: false,
  },
};

/** What the far side said of a message that it took and did not handle. */
export function notHandled(address: string, tag: string, outcome: FailedOutcome): ActorError {
  const { code, text, retryable = false, definite = true } = WHY[outcome];
  return new ActorError(code, `reliable message "${tag}" to ${address}: ${text}`, {
    retryable,
    definite,
  });
}

/** Nobody sends it any more; `definite` if it has never left. */
export function givenUp(address: string, tag: string, definite: boolean): ActorError {
  return new ActorError(
    "Cancelled",
    `reliable message "${tag}" to ${address}: its producer was closed${
      definite ? " before it was sent" : "; it may have been handled, look before sending it again"
    }`,
    { definite },
  );
}

/** The node of the producer has closed its links. */
export function linksClosed(address: string, tag: string, definite: boolean): ActorError {
  return new ActorError(
    "NodeStopped",
    `reliable message "${tag}" to ${address}: the links of this node are closed; send from another`,
    { definite },
  );
}

/** Longer than its node takes. */
export function tooLong(
  address: string,
  tag: string,
  bytes: number,
  mostBytes: number,
  definite: boolean,
): ActorError {
  return new ActorError(
    "NotEncodable",
    `reliable message "${tag}" to ${address}: ${bytes} bytes, its node takes ${mostBytes}; send it in parts`,
    { definite },
  );
}

/** A bound of `REMOTE_LIMITS` is reached. */
export function tooMany(address: string, what: string): ActorError {
  return new ActorError(
    "TooMany",
    `send reliably to ${address}: ${what}; wait for what is under way, or close producers`,
    { retryable: true },
  );
}
