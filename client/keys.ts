/** `/v1/keys`: API keys. */

import type { Endpoint, ListOptions, Page } from "./endpoint.ts";
import type { Host } from "./host.ts";
import { type ApiKey, apiKey, madeKey } from "./schemas.ts";
import { type CallOptions, segment } from "./transport.ts";

const KEY_BYTES = 32;

/** What a key may do. */
export interface NewKey {
  readonly scope: "viewer" | "operator" | "admin";
  /** null: all of them. */
  readonly tenants: readonly string[] | null;
  /** What it is for, for people. */
  readonly label: string;
  /** ISO 8601; default: never. */
  readonly expires?: string | undefined;
}

/** A key that was made: the only time that it is seen. */
export interface MadeKey {
  readonly id: string;
  readonly key: string;
  readonly expiresMs: number | null;
}

/** See the file's comment. */
export class KeyCalls {
  readonly #endpoint: Endpoint;
  readonly #host: Host;

  constructor(endpoint: Endpoint, host: Host) {
    this.#endpoint = endpoint;
    this.#host = host;
  }

  /** One page. */
  page(options: ListOptions = {}): Promise<Page<ApiKey>> {
    return this.#endpoint.page(LISTING, options);
  }

  /** All keys without what they are, page after page. */
  list(options: ListOptions = {}): AsyncGenerator<ApiKey, void, void> {
    return this.#endpoint.each(LISTING, options);
  }

  /** Makes a key here and tells the cluster its hash: so this can be repeated, and the key is not sent. */
  async create(wanted: NewKey, options: CallOptions = {}): Promise<MadeKey> {
    const bytes = this.#host.randomBytes(KEY_BYTES);
    const text = btoa(String.fromCharCode(...bytes));
    const key = `qk_${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
    const digest = await this.#host.sha256(new TextEncoder().encode(key));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const body = { ...wanted, sha256 };
    const made = await this.#endpoint.post("make a key", "/v1/keys", body, madeKey, options);
    return { id: made.id, key, expiresMs: made.expiresMs };
  }

  /** Revokes it; gateways notice within two seconds. */
  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    const path = `/v1/keys/${segment(id)}`;
    await this.#endpoint.raw({ action: `revoke key ${id}`, method: "DELETE", path }, options);
  }
}

const LISTING = { action: "list keys", path: "/v1/keys", item: apiKey };
