/** What goes wrong with a request, as `application/problem+json` (RFC 9457). */

import { type ErrorFacts, QuorusError } from "../runtime/base/errors.ts";

/** Every problem of this API: the last part of its `type`, its status, its title. */
export const PROBLEMS = {
  malformedRequest: { slug: "malformed-request", status: 400, title: "The request is malformed" },
  malformedBody: { slug: "malformed-body", status: 400, title: "The body cannot be read" },
  unauthenticated: { slug: "unauthenticated", status: 401, title: "A valid API key is needed" },
  forbidden: { slug: "forbidden", status: 403, title: "The API key does not allow this" },
  notFound: { slug: "not-found", status: 404, title: "There is no such thing" },
  methodNotAllowed: { slug: "method-not-allowed", status: 405, title: "The method is not offered" },
  conflict: { slug: "conflict", status: 409, title: "It cannot be done in this state" },
  requestInFlight: {
    slug: "request-in-flight",
    status: 409,
    title: "The same request is being worked on",
  },
  wouldLoseQuorum: {
    slug: "would-lose-quorum",
    status: 409,
    title: "It would cost the controllers their quorum",
  },
  notReady: { slug: "not-ready", status: 409, title: "The controller is not ready for it" },
  changePending: {
    slug: "change-pending",
    status: 409,
    title: "Another change of the controllers is under way",
  },
  preconditionFailed: {
    slug: "precondition-failed",
    status: 412,
    title: "It has changed in between",
  },
  bodyTooLarge: { slug: "body-too-large", status: 413, title: "The body is too large" },
  planTooLarge: { slug: "plan-too-large", status: 413, title: "The plan is too large" },
  unsupportedMediaType: {
    slug: "unsupported-media-type",
    status: 415,
    title: "The media type of the body is not taken",
  },
  invalidBody: { slug: "invalid-body", status: 422, title: "The body is not valid" },
  invalidWorkflow: { slug: "invalid-workflow", status: 422, title: "The workflow is not valid" },
  refusedWorkflow: {
    slug: "refused-workflow",
    status: 422,
    title: "The workflow asks for what is not allowed",
  },
  keyReused: {
    slug: "idempotency-key-reused",
    status: 422,
    title: "The Idempotency-Key was used for another request",
  },
  upgradeRequired: { slug: "upgrade-required", status: 426, title: "A WebSocket is needed" },
  tooMany: { slug: "too-many-requests", status: 429, title: "Too many requests" },
  internal: { slug: "internal", status: 500, title: "The gateway has failed" },
  overloaded: { slug: "overloaded", status: 503, title: "The gateway is busy" },
  noQuorum: { slug: "no-quorum", status: 503, title: "The controllers cannot decide now" },
  unknownOutcome: {
    slug: "unknown-outcome",
    status: 504,
    title: "Nobody knows yet whether it was done",
  },
} as const;

/** A key of {@link PROBLEMS}. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Where the `type` URIs begin; they name a problem for good. */
export const PROBLEM_BASE = "https://quorus.dev/problems/";

/** The media type of a problem. */
export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** One thing that is wrong: in the body (`pointer`, RFC 6901), in a parameter or in a header. */
export interface ProblemPart {
  readonly detail: string;
  readonly code?: string;
  /** Into the body as JSON; for a workflow in YAML, into the document. */
  readonly pointer?: string;
  /** Within the workflow where that is a text inside of JSON. */
  readonly documentPointer?: string;
  /** Name of a query or path parameter. */
  readonly parameter?: string;
  readonly header?: string;
  /** Of the workflow's text, from 1. */
  readonly line?: number;
  readonly column?: number;
  readonly suggestion?: string;
}

/** What else a problem tells. */
export interface ProblemFacts extends ErrorFacts {
  readonly errors?: readonly ProblemPart[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is answered with a problem; the message becomes its `detail`. */
export class Problem extends QuorusError<ProblemCode> {
  override readonly name = "Problem";
  readonly errors: readonly ProblemPart[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, facts: ProblemFacts = {}) {
    super(code, message, facts);
    this.errors = facts.errors ?? [];
    this.headers = facts.headers ?? {};
  }
}

/** The answer; `instance` is the request's id, `traceId` there where it belongs to a trace. */
export function problemResponse(
  problem: Problem,
  requestId: string,
  traceId: string | null = null,
): Response {
  const { slug, status, title } = PROBLEMS[problem.code];
  const { retryAfterMs, retryable, definite, errors } = problem;
  const body = {
    type: `${PROBLEM_BASE}${slug}`,
    title,
    status,
    detail: problem.message,
    instance: `urn:quorus:request:${requestId}`,
    ...(traceId === null ? {} : { traceId }),
    retryable,
    definite,
    ...(errors.length > 0 ? { errors } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  const headers: Record<string, string> = {
    "content-type": PROBLEM_CONTENT_TYPE,
    ...problem.headers,
  };
  if (retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  }
  if (problem.code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="quorus"';
  return new Response(JSON.stringify(body), { status, headers });
}

/** A JSON pointer (RFC 6901) of a path. */
export function pointerOf(path: readonly (string | number | symbol)[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(
    "",
  );
}
