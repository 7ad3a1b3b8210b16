/** Requests to one bucket: signed, bounded in time, tried again where that may help. */

import type { Env, NetResponse } from "../../runtime/env/env.ts";
import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import { abortedError } from "../aborting.ts";
import { ProtocolError } from "../errors.ts";
import { parseHttpDate } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import type { KeyRing } from "./credentials.ts";
import { type S3Place, urlOf } from "./endpoint.ts";
import { S3Exchange } from "./exchange.ts";
import { refusalOf, S3Refusal } from "./failure.ts";
import type { ServiceState } from "./service.ts";
import { EMPTY_PAYLOAD, sha256Hex, signedHeaders, UNSIGNED, UNSIGNED_PAYLOAD } from "./signing.ts";

/** One request. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** `null`: the bucket itself. */
  readonly key: string | null;
  /** Verb and object, for messages. */
  readonly action: string;
  readonly query?: Readonly<Record<string, string | null>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body in hexadecimal where it is known, `unsigned` where it need not be. */
  readonly bodyHash?: string;
  readonly signal: AbortSignal | null;
  /** Whether it changes anything. Default: every method but GET and HEAD. */
  readonly mutates?: boolean;
  /** Whether it is sent again by whoever asks, and not here. */
  readonly isOnce?: boolean;
}

/** An answer whose body was read. */
export interface S3Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Clocks that differ less than this are as good as equal: S3 allows 15 minutes. */
const SKEW_TOLERATED_MS = 240_000;

/** The way to one bucket. */
export class S3Client {
  readonly env: Env;
  readonly place: S3Place;
  readonly service: ServiceState;
  readonly #keys: KeyRing | null;

  constructor(env: Env, place: S3Place, service: ServiceState, keys: KeyRing | null) {
    this.env = env;
    this.place = place;
    this.service = service;
    this.#keys = keys;
  }

  /** The same way to another bucket and path of the service. */
  at(place: S3Place): S3Client {
    return new S3Client(this.env, place, this.service, this.#keys);
  }

  /** Sends, and reads the answer, which is `badResponse` where it is too long. */
  ask(request: S3Request, mostBytes: number = protocolLimits.xmlMaxBytes): Promise<S3Answer> {
    return this.#trying(request, async (exchange, response) => {
      // The length that a HEAD is answered with is that of a body which does not come.
      const isHead = request.method === "HEAD";
      const body = isHead ? new Uint8Array() : await exchange.readAll(mostBytes);
      await exchange.end();
      const { status, headers } = response;
      if (body !== null && request.method !== "GET" && isErrorDocument(body)) {
        // Long calls are answered 200 before their outcome is known (CompleteMultipartUpload).
        throw refusalOf(request.action, { status: 500, headers, body }, true, this.env.clock.now());
      }
      if (body !== null) return { status, headers, body };
      const message = `cannot ${request.action}: the answer is longer than ${mostBytes} bytes`;
      throw new ProtocolError("badResponse", message, { retryable: false, definite: false });
    });
  }

  /** Sends, and leaves the body to the caller, who ends the exchange. */
  open(request: S3Request): Promise<{ exchange: S3Exchange; response: NetResponse }> {
    return this.#trying(request, (exchange, response) => Promise.resolve({ exchange, response }));
  }

  async #trying<T>(
    request: S3Request,
    use: (exchange: S3Exchange, response: NetResponse) => Promise<T>,
  ): Promise<T> {
    let isDefinite = true;
    let hasNewClock = false;
    let hasNewKeys = false;
    for (let tries = 1;; tries++) {
      try {
        return await this.#once(request, use);
      } catch (thrown) {
        if (!(thrown instanceof ProtocolError)) throw thrown;
        if (!hasNewClock && this.#learnsTime(thrown)) hasNewClock = true;
        else if (!hasNewKeys && isExpiry(thrown) && this.#keys?.forget() === true) {
          hasNewKeys = true;
        } else {
          isDefinite &&= thrown.definite;
          const waitMs = request.isOnce === true ? null : this.#waitMs(thrown, tries);
          if (waitMs === null) throw isDefinite ? thrown : indefinite(thrown);
          await this.#wait(request, waitMs);
        }
      }
    }
  }

  async #once<T>(
    request: S3Request,
    use: (exchange: S3Exchange, response: NetResponse) => Promise<T>,
  ): Promise<T> {
    const { place, env } = this;
    const { method, key, action, signal } = request;
    const mutates = request.mutates ?? (method !== "GET" && method !== "HEAD");
    const url = urlOf(place, key, request.query);
    const headers = await this.#signed(request, url);
    const exchange = new S3Exchange(env, {
      ...{ action, signal, mutates },
      responseTimeoutMs: place.responseTimeoutMs,
      idleTimeoutMs: place.idleTimeoutMs,
    });
    try {
      const response = await exchange.send({
        ...{ method, url: url.href, headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(place.tls === null ? {} : { tls: place.tls }),
      });
      if (response.status >= 200 && response.status < 300) return await use(exchange, response);
      const body = await exchange.readAll(protocolLimits.httpHeaderMaxBytes).catch(() => null);
      const { status } = response;
      const answer = { status, headers: response.headers, body: body ?? new Uint8Array() };
      this.service.serverTimeMs = parseHttpDate(response.headers.get("date") ?? "");
      const refusal = refusalOf(action, answer, mutates, env.clock.now());
      await exchange.end();
      throw refusal;
    } catch (thrown) {
      await exchange.end();
      throw thrown;
    }
  }

  async #signed(request: S3Request, url: URL): Promise<Record<string, string>> {
    const { place, env, service } = this;
    const headers = {
      ...place.headers,
      ...request.headers,
      "accept-encoding": "identity",
      "user-agent": "quorus",
    };
    if (this.#keys === null) return headers;
    const key = await this.#keys.current(request.signal);
    return signedHeaders(
      env.hash,
      { method: request.method, url, headers, payload: this.#payloadOf(request, url) },
      key,
      { region: place.region, service: "s3" },
      env.clock.now() + service.clockOffsetMs,
    );
  }

  #payloadOf({ body, bodyHash }: S3Request, url: URL): string {
    if (body === undefined || body.length === 0) return EMPTY_PAYLOAD;
    if (bodyHash !== undefined && bodyHash !== UNSIGNED) return bodyHash;
    if (bodyHash === UNSIGNED && url.protocol === "https:") return UNSIGNED_PAYLOAD;
    return sha256Hex(this.env.hash, body);
  }

  /** The server's own time, once it says that ours is wrong; a HEAD's refusal has no words for it. */
  #learnsTime(error: ProtocolError): boolean {
    if (!(error instanceof S3Refusal)) return false;
    const { serverTimeMs, clockOffsetMs } = this.service;
    if (
      error.s3Code !== "RequestTimeTooSkewed" && (error.s3Code !== null || error.status !== 403)
    ) {
      return false;
    }
    if (serverTimeMs === null) return false;
    const offsetMs = serverTimeMs - this.env.clock.now();
    const isOther = Math.abs(offsetMs - clockOffsetMs) > SKEW_TOLERATED_MS;
    if (!isOther || Math.abs(offsetMs) > protocolLimits.s3SkewMaxMs) return false;
    this.service.clockOffsetMs = offsetMs;
    this.env.log.write("warn", "the clock differs from that of a server", { offsetMs });
    return true;
  }

  /** `null`: it is not worth another try by us. */
  #waitMs(error: ProtocolError, tries: number): number | null {
    const { s3TriesMax, s3RetryDelayMs, s3RetryAfterMaxMs } = protocolLimits;
    const helps = error.retryable && error.code !== "truncated" && error.code !== "changed";
    if (!helps || tries >= s3TriesMax) return null;
    if ((error.retryAfterMs ?? 0) > s3RetryAfterMaxMs) return null;
    const delayMs = s3RetryDelayMs * 2 ** (tries - 1);
    return Math.max(error.retryAfterMs ?? 0, delayMs * (1 + this.env.random.next()) / 2);
  }

  async #wait({ action, signal }: S3Request, waitMs: number): Promise<void> {
    const passed = Promise.withResolvers<void>();
    const timer = this.env.timers.after(waitMs, passed.resolve);
    if (signal === null) return await passed.promise;
    try {
      await unlessAborted(signal, passed.promise);
    } catch {
      throw abortedError(action, signal, false);
    } finally {
      timer.cancel();
    }
  }
}

function isErrorDocument(body: Uint8Array): boolean {
  const start = new TextDecoder().decode(body.subarray(0, ERROR_START_BYTES));
  return /^\s*(<\?xml[^>]*\?>)?\s*<Error[\s>]/.test(start);
}

/** Where a declaration and spaces that kept the connection alive are over. */
const ERROR_START_BYTES = 1_024;

function isExpiry(error: ProtocolError): boolean {
  return error instanceof S3Refusal &&
    /^(ExpiredToken|TokenRefreshRequired|InvalidAccessKeyId|InvalidToken)/.test(error.s3Code ?? "");
}

/** An earlier try may have done it. */
function indefinite(error: ProtocolError): ProtocolError {
  if (!error.definite) return error;
  const { code, message, retryable, details, retryAfterMs } = error;
  const facts = {
    ...{ retryable, details, cause: error, definite: false },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  if (!(error instanceof S3Refusal)) return new ProtocolError(code, message, facts);
  const { status, s3Code } = error;
  return new S3Refusal(code, message, { status, s3Code }, facts);
}
