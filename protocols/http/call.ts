/** One request that is not a read, and its answer: status and header fields, the body given up. */

import type { Env, NetRequest } from "../../runtime/env/env.ts";
import type { SourceEndpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { Hop } from "./endpoint.ts";
import { type Client, Exchange, guarded } from "./exchange.ts";
import { failure, placeOf } from "./failure.ts";
import { writeStatusError } from "./refusal.ts";
import type { HttpSettings } from "./settings.ts";
import type { Head } from "./status.ts";

/** What is asked. */
export interface Call {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NetRequest["body"];
  /** Statuses that are an answer; every other one is an error. */
  readonly accepts: readonly number[];
  readonly signal: AbortSignal;
  /** It changes something: a connection that broke leaves open whether it has. */
  readonly changes?: boolean;
}

/** What was answered. */
export interface Done extends Head {
  /** Where it was answered, redirects followed. */
  readonly url: URL;
}

/** What all requests to an endpoint have in common. */
export function clientOf(endpoint: SourceEndpoint, env: Env, { limits }: HttpSettings): Client {
  return {
    env,
    limits,
    responseTimeoutMs: endpoint.responseTimeoutMs ?? limits.httpResponseTimeoutMs,
    idleTimeoutMs: endpoint.idleTimeoutMs ?? limits.httpIdleTimeoutMs,
  };
}

/** Another place of the same server, asked in the same way; `path` is encoded and begins with a slash. */
export function hopAt(hop: Hop, path: string): Hop {
  const url = new URL(hop.url.origin + path);
  return { ...hop, url, label: placeOf(url) };
}

/** Asks, and resolves with an accepted answer. */
export async function ask(client: Client, hop: Hop, call: Call): Promise<Done> {
  const exchange = new Exchange(client, call.method, hop, call.signal);
  return await guarded(exchange, async () => {
    try {
      await exchange.send(call.headers ?? {}, call.body);
    } catch (thrown) {
      throw call.changes === true ? indefinite(thrown) : thrown;
    }
    return await settled(exchange, call.accepts);
  });
}

/** Ends an exchange whose answer has come; throws unless its status is one of `accepts`. */
export async function settled(exchange: Exchange, accepts: readonly number[]): Promise<Done> {
  const { client, response: { status, headers }, hop } = exchange;
  const done = { status, headers, url: hop.url };
  const refused = accepts.includes(status) ? null : writeStatusError(
    exchange.place,
    done,
    client.env.clock.now(),
    client.limits.httpRetryAfterMaxMs,
  );
  try {
    await exchange.discard();
  } catch (thrown) {
    // The answer was given with its status; what becomes of its body changes nothing.
    if (!(thrown instanceof ProtocolError)) throw thrown;
  }
  await exchange.end();
  if (refused !== null) throw refused;
  return done;
}

/** Failures after which the request may have had its effect all the same. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  "aborted",
  "badResponse",
  "timeout",
  "truncated",
  "unreachable",
]);

/** The same error, saying that nobody knows whether it happened; as it is where it never began. */
export function indefinite(thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError) || !ON_THE_WAY.has(thrown.code)) return thrown;
  const net = thrown.details.net;
  if (net === "refused" || net === "dns" || net === "blocked") return thrown;
  const { code, message, retryable, details, cause, retryAfterMs } = thrown;
  return new ProtocolError(code, message, {
    retryable,
    details,
    cause,
    definite: false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The error of a call that this end of an endpoint does not declare. */
export function unsupported(action: string, label: string, reason: string): ProtocolError {
  return failure("unsupported", { method: action, label }, reason, { definite: true });
}
