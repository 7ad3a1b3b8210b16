/** What an answer that is no file means. */

import type { ProtocolError, ProtocolErrorCode } from "../errors.ts";
import { failure, type Place } from "./failure.ts";
import { parseHttpDate, parseRetryAfterMs } from "./fields.ts";

/** Status and header fields of a response, names in lower case. */
export interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

interface Meaning {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
  readonly retryable: boolean;
}

const MEANINGS: ReadonlyMap<number, Meaning> = new Map(
  ([
    [
      401,
      "unauthenticated",
      "the server wants to know who asks; declare or correct the credentials",
      false,
    ],
    [
      403,
      "denied",
      "the server refuses these credentials this file; ask its owner for access",
      false,
    ],
    [404, "notFound", "there is no such file; check the URI", false],
    [407, "unauthenticated", "a proxy on the way wants credentials; ask its operator", false],
    [408, "serverError", "the server gave up waiting for the request", true],
    [410, "notFound", "the file was removed for good; check the URI", false],
    [425, "serverError", "the server refuses early data", true],
    [429, "rateLimited", "too many requests; ask less often", true],
    [501, "serverError", "the server does not know the method", false],
    [503, "serverError", "the server is overloaded or in maintenance", true],
    [505, "serverError", "the server does not speak this version of HTTP", false],
  ] as const).map(([status, code, reason, retryable]) => [status, { code, reason, retryable }]),
);

/** The error of a status that carries no file; `nowMs` (wall clock) counts where `Date` is missing. */
export function statusError(
  place: Place,
  head: Head,
  nowMs: number,
  retryAfterMaxMs: number,
): ProtocolError {
  const { code, reason, retryable } = MEANINGS.get(head.status) ?? generalMeaning(head.status);
  const retryAfterMs = retryable ? retryAfter(head, nowMs, retryAfterMaxMs) : null;
  const wait = retryAfterMs === null
    ? ""
    : `; it asks to wait ${Math.ceil(retryAfterMs / 1_000)} s`;
  return failure(code, place, `status ${head.status}: ${reason}${wait}`, {
    retryable,
    details: { status: head.status },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

function generalMeaning(status: number): Meaning {
  if (status >= 500 && status <= 599) {
    return { code: "serverError", reason: "the server failed", retryable: true };
  }
  const reason = status >= 400 && status <= 499
    ? "the server refuses the request; check the URI and the declared headers"
    : "this is no answer to a request for a file; check the URI";
  return { code: "badResponse", reason, retryable: false };
}

function retryAfter(head: Head, nowMs: number, maxMs: number): number | null {
  const text = head.headers.get("retry-after");
  if (text === undefined) return null;
  const serverNowMs = parseHttpDate(head.headers.get("date") ?? "") ?? nowMs;
  return parseRetryAfterMs(text, serverNowMs, maxMs);
}
