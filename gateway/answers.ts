/** From what controllers say to HTTP. */

import type { Answer, Found, Principal, Query, Written } from "../actors/desk/messages.ts";
import type { Call } from "./api.ts";
import type { Consistency } from "./door.ts";
import type { Gateway } from "./gateway.ts";
import { reused } from "./idempotency.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** An answer as JSON. */
export function json(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

type Kind = Exclude<Found["type"], "none">;
type FoundOf<K extends Kind> = Extract<Found, { type: K }>;

/** What was found, how fresh it is, and the headers that say so. */
export interface Read<K extends Kind> {
  readonly found: FoundOf<K>;
  readonly freshness: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Looks something up; a Problem where there is nothing. */
export async function read<K extends Kind & Query["type"]>(
  { door, env }: Gateway,
  call: { readonly principal: Principal; readonly trace: string | undefined },
  consistency: Consistency,
  query: Extract<Query, { type: K }>,
): Promise<Read<K>> {
  const trace = call.trace === undefined ? {} : { trace: call.trace };
  const answer = await door.read(call.principal, consistency, query, trace);
  const { found } = answer;
  if (found.type === "none") throw refusal(found, "read");
  if (found.type !== query.type) {
    throw new Problem("internal", `a controller has answered ${found.type} to ${query.type}`);
  }
  return { found: found as FoundOf<K>, ...freshnessOf(answer, consistency, env.clock.now()) };
}

/** How fresh an answer is: for its body, and as headers. */
export function freshnessOf(
  { node, appliedIndex, appliedAtMs }: Omit<Answer, "found">,
  consistency: Consistency,
  nowMs: number,
): Pick<Read<Kind>, "freshness" | "headers"> {
  const isStale = consistency === "stale";
  const ageMs = isStale ? Math.max(0, Math.round(nowMs - appliedAtMs)) : 0;
  const appliedAt = new Date(appliedAtMs).toISOString();
  return {
    freshness: { consistency, node, appliedIndex, appliedAt, ageMs },
    headers: {
      "quorus-consistency": consistency,
      "quorus-controller": node,
      "quorus-applied-index": String(appliedIndex),
      "quorus-age-ms": String(ageMs),
      "cache-control": "no-store",
      ...(isStale ? { age: String(Math.ceil(ageMs / 1_000)) } : {}),
    },
  };
}

/** One thing with its ETag; 304 where the client has it. */
export function one<K extends Kind>(
  request: Request,
  { freshness, headers }: Read<K>,
  view: Readonly<Record<string, unknown>>,
  etag?: string,
): Response {
  const tagged = etag === undefined ? headers : { ...headers, etag };
  const known = request.headers.get("if-none-match");
  if (etag !== undefined && known !== null && etagMatches(known, etag)) {
    return new Response(null, { status: 304, headers: tagged });
  }
  return json({ ...view, freshness }, 200, tagged);
}

/** Whether a list of entity tags has this one, compared weakly (RFC 9110, section 13.1.2). */
export function etagMatches(list: string, etag: string): boolean {
  const bare = (tag: string) => tag.trim().replace(/^W\//, "");
  return list.trim() === "*" || list.split(",").some((tag) => bare(tag) === bare(etag));
}

/** The index of a write; a Problem where it was refused. */
export function doneAt(written: Written, action: string): number {
  if (written.ok) return written.index;
  throw refusal(written, action);
}

/** Writes under the request's own key. */
export async function write<P, Q>(
  { door }: Gateway,
  { principal, keyed, trace, requestId }: Call<P, Q>,
  request: Parameters<Gateway["door"]["write"]>[2],
): Promise<number> {
  const options = { requestId, ...(trace === undefined ? {} : { trace }) };
  const { key, fingerprint } = keyed;
  const written = await door.write(principal, key, request, { fingerprint, ...options });
  return doneAt(written, request.type);
}

const CODES: Readonly<Record<string, ProblemCode>> = {
  invalid: "invalidBody",
  // Scopes are checked before: what is forbidden now is another tenant's, and so not there.
  forbidden: "notFound",
  notFound: "notFound",
  conflict: "conflict",
  keyReused: "keyReused",
  noQuorum: "noQuorum",
  tooMany: "tooMany",
  unknownOutcome: "unknownOutcome",
  wouldLoseQuorum: "wouldLoseQuorum",
  notReady: "notReady",
  changePending: "changePending",
};

const RETRYABLE: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "noQuorum",
  "tooMany",
  "unknownOutcome",
  "changePending",
]);

/** A refusal of the controllers as a Problem. */
export function refusal(
  refused: Exclude<Written, { ok: true }> | FoundOf<never> | {
    readonly code: string;
    readonly message: string;
    readonly retryAfterMs?: number | undefined;
  },
  action: string,
): Problem {
  const { code, message, retryAfterMs } = refused;
  if (code === "keyReused") return reused();
  const problem = CODES[code] ?? "internal";
  // Nobody learns from the text whether another tenant has such a thing.
  const text = code === "forbidden" ? `${action}: there is no such thing` : message;
  const isRetryable = RETRYABLE.has(problem);
  return new Problem(problem, text, {
    retryable: isRetryable,
    definite: problem !== "unknownOutcome",
    ...(isRetryable ? { retryAfterMs: retryAfterMs ?? 1_000 } : {}),
  });
}
