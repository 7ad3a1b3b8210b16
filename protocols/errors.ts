/** The typed error of every transfer protocol. */

import { type ErrorFacts, QuorusError } from "../runtime/base/errors.ts";

/** Why a protocol failed. */
export type ProtocolErrorCode =
  | "aborted"
  | "badEndpoint"
  | "badResponse"
  | "changed"
  | "denied"
  | "escapes"
  | "exists"
  | "forbidden"
  | "insecure"
  | "io"
  | "nameRefused"
  | "noSpace"
  | "notFound"
  | "rangeNotSupported"
  | "rateLimited"
  | "readOnly"
  | "redirectLoop"
  | "serverError"
  | "timeout"
  | "tls"
  | "tooLong"
  | "truncated"
  | "unauthenticated"
  | "unreachable"
  | "unsupported";

/** Codes after which the same call may succeed without anybody changing anything. */
const RETRYABLE: ReadonlySet<ProtocolErrorCode> = new Set([
  "badResponse",
  "changed",
  "io",
  "rateLimited",
  "serverError",
  "timeout",
  "truncated",
  "unreachable",
]);

/** A failed call of a protocol; the message names the action and the object, never a credential. */
export class ProtocolError extends QuorusError<ProtocolErrorCode> {
  override readonly name = "ProtocolError";
  constructor(code: ProtocolErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? RETRYABLE.has(code) });
  }
}
