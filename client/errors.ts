/** What goes wrong between a program and its cluster. */

import { z } from "zod";
import { type ErrorFacts, QuorusError } from "../runtime/base/errors.ts";

/**
 * The last part of the problem's type (`not-found`, `forbidden`, `no-quorum` ...) where a gateway has
 * answered. Else `unreachable`: no gateway did; `timed-out`: none in time; `aborted`: the caller's signal;
 * `bad-answer`: it is no answer of this API; `misused`: the call cannot be made like this.
 */
export type ClientErrorCode = string;

/** One thing that is wrong, as RFC 9457 extensions of the gateway name it. */
export interface ProblemPart {
  readonly detail: string;
  readonly code?: string | undefined;
  /** JSON pointer (RFC 6901) into the body. */
  readonly pointer?: string | undefined;
  /** JSON pointer within the workflow, where that is a text inside of the body. */
  readonly documentPointer?: string | undefined;
  readonly parameter?: string | undefined;
  readonly header?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly suggestion?: string | undefined;
}

/** What else is known of it. */
export interface ClientErrorFacts extends ErrorFacts {
  readonly status?: number | null;
  readonly errors?: readonly ProblemPart[];
  readonly instance?: string | null;
}

/**
 * A call that has failed. `retryable`: the same call may succeed later. `definite`: it certainly was not
 * done. Messages hold no keys.
 */
export class ClientError extends QuorusError<ClientErrorCode> {
  override readonly name = "ClientError";
  /** Of the HTTP answer; null where there was none. */
  readonly status: number | null;
  /** All that is wrong, with places. */
  readonly errors: readonly ProblemPart[];
  /** Names the request in the gateway's log; null where it gave none. */
  readonly instance: string | null;

  constructor(code: ClientErrorCode, message: string, facts: ClientErrorFacts = {}) {
    super(code, message, facts);
    this.status = facts.status ?? null;
    this.errors = facts.errors ?? [];
    this.instance = facts.instance ?? null;
  }
}

const problem = z.object({
  type: z.string().default("about:blank"),
  title: z.string().default(""),
  detail: z.string().optional(),
  instance: z.string().optional(),
  retryable: z.boolean().optional(),
  definite: z.boolean().optional(),
  retryAfterMs: z.number().nonnegative().optional(),
  errors: z.array(z.object({
    detail: z.string(),
    code: z.string().optional(),
    pointer: z.string().optional(),
    documentPointer: z.string().optional(),
    parameter: z.string().optional(),
    header: z.string().optional(),
    line: z.number().optional(),
    column: z.number().optional(),
    suggestion: z.string().optional(),
  })).optional(),
});

/** Statuses that a proxy between us and the gateway may give for a moment. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
/** Statuses that say that nothing was done. */
const DEFINITE: ReadonlySet<number> = new Set([429, 503]);

/** The error of an answer that is no success. `action`: what was being done, to what. */
export function errorOfAnswer(
  action: string,
  response: { readonly status: number; readonly headers: Headers },
  body: string,
): ClientError {
  const { status, headers } = response;
  const told = problem.safeParse(jsonOf(body));
  const waitMs = retryAfterMs(headers) ??
    (told.success ? told.data.retryAfterMs : undefined);
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  if (!told.success) {
    return new ClientError("bad-answer", `${action}: ${status}, and no reason was given`, {
      status,
      retryable: PASSING.has(status),
      definite: DEFINITE.has(status) || (status >= 400 && status < 500),
      ...wait,
    });
  }
  const { type, title, detail, instance, retryable, definite, errors } = told.data;
  const slug = type.slice(type.lastIndexOf("/") + 1);
  const code = slug === "about:blank" || slug === "" ? `http-${status}` : slug;
  return new ClientError(code, `${action}: ${detail ?? (title || `status ${status}`)}`, {
    status,
    retryable: retryable ?? PASSING.has(status),
    definite: definite ?? (DEFINITE.has(status) || (status >= 400 && status < 500)),
    errors: errors ?? [],
    instance: instance ?? null,
    ...wait,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `Retry-After` in seconds; a date needs a clock that agrees with the server's, so it is not used. */
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  return text !== null && /^\d{1,7}$/.test(text) ? Number(text) * 1_000 : undefined;
}
