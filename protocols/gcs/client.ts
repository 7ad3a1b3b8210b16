/** Requests to Google's store by its JSON interface, and their failures explained. */

import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { again } from "../objects/again.ts";
import { guarded, type Link, ObjectExchange, type ShortAnswer } from "../objects/exchange.ts";
import { encodedText } from "../s3/signing.ts";
import type { GcsPlace } from "./endpoint.ts";
import { gcsError } from "./status.ts";
import { jsonOf, type TokenRing } from "./tokens.ts";

/** One request. */
export interface GcsRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the origin on, encoded; or, for an upload that was begun, its whole URL. */
  readonly target: string | URL;
  /** Verb and object, for messages. */
  readonly action: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** The door to one bucket. */
export class GcsClient {
  readonly env: Env;
  readonly place: GcsPlace;
  readonly #link: Link;
  readonly #tokens: TokenRing;

  constructor(env: Env, place: GcsPlace, endpoint: Endpoint, tokens: TokenRing) {
    this.env = env;
    this.place = place;
    this.#tokens = tokens;
    this.#link = {
      env,
      tls: endpoint.tls,
      responseTimeoutMs: endpoint.responseTimeoutMs ?? protocolLimits.httpResponseTimeoutMs,
      idleTimeoutMs: endpoint.idleTimeoutMs ?? protocolLimits.httpIdleTimeoutMs,
    };
  }

  /** The path of an object's resource. */
  resource(object: string, bucket: string = this.place.bucket): string {
    return `/storage/v1/b/${encodedText(bucket)}/o/${encodedText(object)}`;
  }

  /** Sends, and resolves to an open exchange if the status is one of `accepted`. */
  async open(
    request: GcsRequest,
    accepted: readonly number[],
    signal: AbortSignal | null,
  ): Promise<{ readonly exchange: ObjectExchange } & Omit<ShortAnswer, "text">> {
    const exchange = await this.#exchange(request, signal);
    return await guarded(exchange, async () => {
      const { status, headers } = await exchange.send();
      if (!accepted.includes(status)) {
        await exchange.text(protocolLimits.httpDrainMaxBytes).catch(() => "");
        throw gcsError(request.action, status, headers, this.env.clock.now());
      }
      return { exchange, status, headers };
    });
  }

  /** Sends, and resolves to the whole answer if the status is one of `accepted`. */
  async ask(
    request: GcsRequest,
    accepted: readonly number[],
    signal: AbortSignal | null,
  ): Promise<ShortAnswer> {
    const once = async () => {
      const { exchange, status, headers } = await this.open(request, accepted, signal);
      try {
        return { status, headers, text: await exchange.text() };
      } finally {
        await exchange.end();
      }
    };
    return request.method === "GET" ? await again(this.env, signal, once) : await once();
  }

  /** Asks for JSON. */
  async json(request: GcsRequest, signal: AbortSignal | null): Promise<unknown> {
    return jsonOf((await this.ask(request, [200], signal)).text);
  }

  /** The URL that an answer names for an upload; it is not followed to another host. */
  sessionUrl(action: string, location: string | undefined): URL {
    const url = location !== undefined && URL.canParse(location) ? new URL(location) : null;
    if (url !== null && url.origin === this.place.origin) return url;
    const what = url === null ? "names no upload" : "leads to another host";
    throw new ProtocolError("badResponse", `cannot ${action}: the answer ${what}`, {
      retryable: false,
    });
  }

  async #exchange(request: GcsRequest, signal: AbortSignal | null): Promise<ObjectExchange> {
    const { origin, credentials, options } = this.place;
    const { method, target, body, action } = request;
    const isSession = typeof target !== "string";
    const query = Object.entries({
      ...request.query,
      ...(options.userProject === undefined || isSession
        ? {}
        : { userProject: options.userProject }),
    }).map(([name, value]) => `${name}=${encodedText(value)}`);
    const asked = query.length === 0 ? "" : `?${query.join("&")}`;
    const url = isSession ? target.href : `${origin}${target}${asked}`;
    const headers: Record<string, string> = { ...request.headers };
    // An upload that was begun is its own permission.
    if (credentials !== null && !isSession) {
      const token = await this.#tokens.current(this.env, this.#link, credentials);
      headers.authorization = `Bearer ${token}`;
    }
    const sent = { method, url, headers, action };
    return new ObjectExchange(this.#link, body === undefined ? sent : { ...sent, body }, signal);
  }
}
