/** Requests to one storage account: named, versioned, signed, and their failures explained. */

import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { again } from "../objects/again.ts";
import { guarded, type Link, ObjectExchange, type ShortAnswer } from "../objects/exchange.ts";
import { encodedPath, encodedText } from "../s3/signing.ts";
import { type AzurePlace, keyOf } from "./endpoint.ts";
import { sharedKeyAuthorization } from "./signing.ts";
import { azureError } from "./status.ts";

/** Pinned: what an answer means depends on it. Blocks of 4,000 MiB need 2019-12-12 or later. */
const SERVICE_VERSION = "2023-11-03";

/** One request. */
export interface AzureRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** `/container/blob`, decoded. */
  readonly path: string;
  /** Verb and object, for messages. */
  readonly action: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Whether it does no harm twice, though it changes something; looking never does. */
  readonly isRepeatable?: boolean;
  /** Whether a blob's bytes go one way or the other: then a customer's key goes with it. */
  readonly isContent?: boolean;
}

/** The door to one account. */
export class AzureClient {
  readonly env: Env;
  readonly place: AzurePlace;
  readonly #link: Link;

  constructor(env: Env, place: AzurePlace, endpoint: Endpoint) {
    this.env = env;
    this.place = place;
    this.#link = {
      env,
      tls: endpoint.tls,
      responseTimeoutMs: endpoint.responseTimeoutMs ?? protocolLimits.httpResponseTimeoutMs,
      idleTimeoutMs: endpoint.idleTimeoutMs ?? protocolLimits.httpIdleTimeoutMs,
    };
  }

  /** Sends, and resolves to an open exchange if the status is one of `accepted`. */
  async open(
    request: AzureRequest,
    accepted: readonly number[],
    signal: AbortSignal | null,
  ): Promise<{ readonly exchange: ObjectExchange } & Omit<ShortAnswer, "text">> {
    const exchange = this.#exchange(request, signal);
    return await guarded(exchange, async () => {
      const { status, headers } = await exchange.send();
      if (!accepted.includes(status)) {
        await exchange.text(protocolLimits.httpDrainMaxBytes).catch(() => "");
        throw azureError(request.action, status, headers, this.env.clock.now());
      }
      return { exchange, status, headers };
    });
  }

  /** Sends, and resolves to the whole answer if the status is one of `accepted`. */
  async ask(
    request: AzureRequest,
    accepted: readonly number[],
    signal: AbortSignal | null,
    most?: number,
  ): Promise<ShortAnswer> {
    const once = async () => {
      const { exchange, status, headers } = await this.open(request, accepted, signal);
      try {
        return { status, headers, text: await exchange.text(most) };
      } finally {
        await exchange.end();
      }
    };
    const isRepeatable = request.isRepeatable ?? /^(GET|HEAD)$/.test(request.method);
    return isRepeatable ? await again(this.env, signal, once) : await once();
  }

  /** The URL of a path, with the shared access signature if there is one: secret. */
  url(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const { origin, credentials, label } = this.place;
    const parts = Object.entries(query).map(([name, value]) => `${name}=${encodedText(value)}`);
    if (credentials?.type === "sas") parts.push(credentials.token.replace(/^\?/, ""));
    const text = `${origin}${encodedPath(path)}`;
    const url = new URL(parts.length === 0 ? text : `${text}?${parts.join("&")}`);
    // A parser that folds segments away would lead the request to another blob.
    if (`${url.origin}${url.pathname}` !== text) {
      const message =
        `cannot use ${label}: the path cannot be written as a URL; choose another name`;
      throw new ProtocolError("nameRefused", message);
    }
    return url;
  }

  #exchange(request: AzureRequest, signal: AbortSignal | null): ObjectExchange {
    const { method, path, query, body, action } = request;
    const url = this.url(path, query);
    const headers = this.#headers(request, url);
    const sent = { method, url: url.href, headers, action };
    return new ObjectExchange(this.#link, body === undefined ? sent : { ...sent, body }, signal);
  }

  #headers(request: AzureRequest, url: URL): Record<string, string> {
    const { credentials, account } = this.place;
    const headers: Record<string, string> = {
      ...request.headers,
      "x-ms-version": SERVICE_VERSION,
      "x-ms-date": new Date(this.env.clock.now()).toUTCString(),
      ...(request.isContent === true ? this.#customerKey() : {}),
    };
    if (credentials?.type === "bearer") headers.authorization = `Bearer ${credentials.token}`;
    if (credentials?.type === "sharedKey") {
      const key = keyOf(credentials.accountKey)!;
      const bodyBytes = request.body?.length ?? 0;
      const signable = { method: request.method, url, headers, bodyBytes };
      headers.authorization = sharedKeyAuthorization(this.env.hash, account, key, signable);
    }
    return headers;
  }

  #customerKey(): Record<string, string> {
    const { customerKey } = this.place;
    if (customerKey === null) return {};
    const hasher = this.env.hash.sha256();
    hasher.update(keyOf(customerKey)!);
    return {
      "x-ms-encryption-algorithm": "AES256",
      "x-ms-encryption-key": customerKey,
      "x-ms-encryption-key-sha256": Uint8Array.fromHex(hasher.digestHex()).toBase64(),
    };
  }
}
