/** The typed errors of the actor runtime. */

import { QuorusError } from "../base/errors.ts";

/** Why a call of the actor runtime failed. */
export type ActorErrorCode =
  | "AskTimeout"
  | "ActorStopped"
  | "NoSuchActor"
  | "MailboxFull"
  | "HandlerFailed"
  | "CallCycle"
  | "Cancelled"
  | "Unreachable"
  | "NameTaken"
  | "BadName"
  | "StartFailed"
  | "ContextRevoked"
  | "WaitInHandler"
  | "IntensityExceeded"
  | "SettleTimeout"
  | "NodeStopped"
  | "TooMany"
  | "NotEncodable"
  | "NotAdmitted"
  | "BadMessage";

/** A failed call of the actor runtime; `code` says why, the message names the actor. */
export class ActorError extends QuorusError<ActorErrorCode> {
  override readonly name = "ActorError";
}

/** The ask got no answer in time; whether it was handled is unknown. */
export function askTimeout(address: string, tag: string): ActorError {
  return new ActorError(
    "AskTimeout",
    `ask "${tag}" to ${address}: no reply before the deadline; retry if it is idempotent, or allow more time`,
    { retryable: true, definite: false },
  );
}

/** The target ended before it answered. */
export function actorStopped(address: string, tag: string, definite: boolean): ActorError {
  return new ActorError(
    "ActorStopped",
    `message "${tag}" to ${address}: the actor has stopped; get a new ref`,
    { definite },
  );
}

/** Nothing is registered under the address, or it speaks another protocol. */
export function noSuchActor(address: string, reason: string): ActorError {
  return new ActorError("NoSuchActor", `reach ${address}: ${reason}; check name and protocol`);
}

/** The mailbox had no room. */
export function mailboxFull(address: string, tag: string, capacity: number): ActorError {
  return new ActorError(
    "MailboxFull",
    `message "${tag}" to ${address}: its mailbox of ${capacity} is full; retry later or slow down`,
    { retryable: true },
  );
}

/** The handler threw; the actor failed with the same cause. */
export function handlerFailed(address: string, tag: string, cause: unknown): ActorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ActorError(
    "HandlerFailed",
    `ask "${tag}" to ${address}: its handler failed: ${reason}; the actor is supervised, see its log`,
    { cause, definite: false },
  );
}

/** The awaited asks form a ring: none could ever be answered. */
export function callCycle(chain: readonly string[], tag: string): ActorError {
  return new ActorError(
    "CallCycle",
    `ask "${tag}": handlers would wait for each other (${
      chain.join(" -> ")
    }); move one ask into a task`,
    { details: { chain } },
  );
}

/** The caller's signal ended the call. */
export function cancelled(address: string, tag: string, reason: unknown): ActorError {
  return new ActorError("Cancelled", `message "${tag}" to ${address}: cancelled by the caller`, {
    cause: reason,
    definite: false,
  });
}

/** No link to that node. */
export function unreachableNode(address: string): ActorError {
  return new ActorError("Unreachable", `reach ${address}: no link to that node; connect it first`, {
    retryable: true,
  });
}

/** This node has ended, so nobody is reached from it any more. */
export function nodeStopped(action: string, definite: boolean): ActorError {
  return new ActorError(
    "NodeStopped",
    `${action}: this node has stopped; use one that runs, and stop it last`,
    { definite },
  );
}

/** A handler must not wait for room in a mailbox or for credit of a link. */
export function waitInHandler(address: string, tag: string): ActorError {
  return new ActorError(
    "WaitInHandler",
    `send "${tag}" to ${address}: a handler may not wait for room; use tell, or send in ctx.task`,
  );
}

/** A handler's `ctx` was used after its actor stopped or restarted. */
export function contextRevoked(address: string): ActorError {
  return new ActorError(
    "ContextRevoked",
    `use ctx of ${address}: that incarnation has stopped; end the old work when its signal aborts`,
  );
}

/** The actor got a message that its protocol does not have. */
export function noSuchMessage(address: string, tag: string, protocol: string): ActorError {
  return new ActorError(
    "BadMessage",
    `handle "${tag}" by ${address}: ${protocol} has no such message; update sender or actor`,
  );
}

/** The state function of an actor threw. */
export function startFailed(address: string, cause: unknown): ActorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ActorError("StartFailed", `start ${address}: its state function threw: ${reason}`, {
    cause,
  });
}
