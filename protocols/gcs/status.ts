/** What an answer of Google's store that is no success means. */

import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import { parseRetryAfterMs } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";

interface Meaning {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
  readonly retryable?: boolean;
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: {
    code: "badResponse",
    reason: "the service refuses the request; check the options",
    retryable: false,
  },
  401: {
    code: "unauthenticated",
    reason:
      "the token is missing, expired or not accepted; declare credentials, or fetch a new one",
  },
  403: {
    code: "denied",
    reason: "this account may not do that; a source wants the role Storage Object Viewer, a " +
      "destination Storage Object User, given by the owner of the bucket",
  },
  404: { code: "notFound", reason: "there is no such object or bucket; check the URI" },
  408: {
    code: "serverError",
    reason: "the service gave up waiting for the request",
    retryable: true,
  },
  409: {
    code: "serverError",
    reason: "somebody else changes it at the same time",
    retryable: true,
  },
  410: { code: "notFound", reason: "the upload is gone: it was ended, or a week has passed" },
  412: { code: "changed", reason: "it is another version by now" },
  413: { code: "tooLong", reason: "the service takes no object as large" },
  416: { code: "rangeNotSupported", reason: "it is shorter than that" },
  429: { code: "rateLimited", reason: "too many requests; ask less often" },
  499: { code: "notFound", reason: "the upload was given up" },
  501: { code: "unsupported", reason: "the service does not know the request" },
  503: { code: "rateLimited", reason: "the service is busy; ask less often" },
};

/** The error of an answer to `action`; texts of the service are never repeated. */
export function gcsError(
  action: string,
  status: number,
  headers: ReadonlyMap<string, string>,
  nowMs: number,
): ProtocolError {
  const { code, reason, retryable } = MEANINGS[status] ?? generalMeaning(status);
  const waitMs = parseRetryAfterMs(
    headers.get("retry-after") ?? "",
    nowMs,
    protocolLimits.httpRetryAfterMaxMs,
  );
  return new ProtocolError(code, `cannot ${action}: ${reason} (status ${status})`, {
    ...(retryable === undefined ? {} : { retryable }),
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
    // A server that failed may have done it first.
    definite: status < 500,
    details: { status },
  });
}

function generalMeaning(status: number): Meaning {
  if (status >= 500) return { code: "serverError", reason: "the service failed" };
  const reason = "this is no answer of Google's store; check the endpoint";
  return { code: "badResponse", reason, retryable: false };
}
