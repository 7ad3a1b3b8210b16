/** `/v1/tenants`: what tenants may do, and what they have. */

import type { Endpoint, ListOptions, Page, ReadOptions } from "./endpoint.ts";
import { type Accepted, accepted, type Tenant, tenant } from "./schemas.ts";
import { type CallOptions, segment } from "./transport.ts";

/** What a tenant may do; null: no bound. */
export interface TenantSettings {
  /** Its share of slots and bytes, against those of others that wait too. */
  readonly weight: number;
  readonly maxConcurrentTransfers: number | null;
  readonly maxQueued: number | null;
  readonly priorityCeiling: "low" | "medium" | "high" | "critical";
}

/** See the file's comment. */
export class TenantCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Its settings, and what it has and had. */
  usage(id: string, options: ReadOptions = {}): Promise<Tenant> {
    return this.#endpoint.get(`look at tenant ${id}`, `${pathOf(id)}/usage`, tenant, options);
  }

  /** One page. */
  page(options: ListOptions = {}): Promise<Page<Tenant>> {
    return this.#endpoint.page(LISTING, options);
  }

  /** All tenants that the key may see, page after page. */
  list(options: ListOptions = {}): AsyncGenerator<Tenant, void, void> {
    return this.#endpoint.each(LISTING, options);
  }

  /** Says what it may do. */
  configure(id: string, settings: TenantSettings, options: CallOptions = {}): Promise<Accepted> {
    const body = JSON.stringify(settings);
    const call = {
      action: `configure tenant ${id}`,
      method: "PUT",
      path: pathOf(id),
      body,
    } as const;
    return this.#endpoint.call(call, accepted, options);
  }

  /** Forgets what was said of it: weight 1 and no bounds. */
  reset(id: string, options: CallOptions = {}): Promise<Accepted> {
    const call = { action: `reset tenant ${id}`, method: "DELETE", path: pathOf(id) } as const;
    return this.#endpoint.call(call, accepted, options);
  }
}

function pathOf(id: string): string {
  return `/v1/tenants/${segment(id)}`;
}

const LISTING = { action: "list tenants", path: "/v1/tenants", item: tenant };
