/** Why a peer is gone, in words for who waited for it. */

import { ActorError } from "../actor/errors.ts";
import type { EndCause } from "./association.ts";

const WHY: Readonly<Record<EndCause, string>> = {
  graceOver: "its links were down for longer than the grace",
  bye: "it has left",
  disconnected: "this node has left it",
  newIncarnation: "it has started anew",
  quarantined: "it has given this node up",
  systemOverflow: "too many watch signals between the two nodes were not taken",
  windowsBroken: "it has sent more than it was allowed to",
  systemLost: "watch signals between the two nodes were lost",
  portClosed: "its Worker, or the thread that started this one, has ended",
  closed: "this node closes its links",
};

/** For asks, sends and watches: whether what they sent was handled is unknown. */
export function endError(node: string, cause: EndCause): ActorError {
  return new ActorError(
    "Unreachable",
    `reach node "${node}": ${
      WHY[cause]
    }; what was asked may have been done, look before trying again`,
    { retryable: true, definite: false, details: { node, cause } },
  );
}

/** The line of those who wait for a peer is full. */
export function tooManyWait(node: string): ActorError {
  return new ActorError(
    "TooMany",
    `send to node "${node}": too many wait for it already; slow down, or try again later`,
    { retryable: true },
  );
}
