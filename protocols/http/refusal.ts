/** What an answer to a request that changes something means when it is not what was asked for. */

import type { ProtocolError, ProtocolErrorCode } from "../errors.ts";
import { failure, type Place } from "./failure.ts";
import { type Head, statusError } from "./status.ts";

interface Meaning {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
  readonly retryable: boolean;
}

const MEANINGS: ReadonlyMap<number, Meaning> = new Map(
  ([
    [403, "denied", "the server does not allow it with these credentials", false],
    [404, "notFound", "there is nothing at this place, or no directory to put it in", false],
    [405, "unsupported", "the server does not allow this method here", false],
    [409, "notFound", "the directory it belongs into is not there", false],
    [
      411,
      "unsupported",
      "the server wants to be told the size first, which the source does not tell",
      false,
    ],
    [412, "changed", "what stands there is not what it was when this began", true],
    [413, "denied", "the server takes no file of this size", false],
    [
      415,
      "unsupported",
      "the server does not take this kind of content; declare its Content-Type",
      false,
    ],
    [423, "rateLimited", "somebody else holds a lock on it; try again later", true],
    [501, "unsupported", "the server does not know how to do this", false],
    [507, "noSpace", "there is no space left, or the quota is used up; free some", false],
  ] as const).map(([status, code, reason, retryable]) => [status, { code, reason, retryable }]),
);

/** Statuses of a server that failed on the way: what it did before nobody knows. */
function isUnclear(status: number): boolean {
  return status === 500 || status === 502 || status === 504 || (status > 507 && status <= 599);
}

/** The error of a status that says no to a change; `nowMs` as in {@link statusError}. */
export function writeStatusError(
  place: Place,
  head: Head,
  nowMs: number,
  retryAfterMaxMs: number,
): ProtocolError {
  const meaning = MEANINGS.get(head.status);
  const details = { status: head.status };
  if (meaning !== undefined) {
    const { code, reason, retryable } = meaning;
    return failure(code, place, `status ${head.status}: ${reason}`, { retryable, details });
  }
  const error = statusError(place, head, nowMs, retryAfterMaxMs);
  if (!isUnclear(head.status)) return error;
  const { code, message, retryable, retryAfterMs } = error;
  return failure(code, place, message.slice(message.indexOf(": ") + 2), {
    retryable,
    details,
    definite: false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
