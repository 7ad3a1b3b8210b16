/** `/v1/rates`: how fast bytes may move, by agent, tenant, host, link and job. */

import type { Endpoint, ListOptions, Page } from "./endpoint.ts";
import { type Accepted, accepted, type Rate, rate } from "./schemas.ts";
import { type CallOptions, segment } from "./transport.ts";

/** What a rule may be about. */
export type RateScope = "agent" | "tenant" | "host" | "link" | "job";

/** Hours of some days, by local times such as `08:30`; one that ends before it begins ends the day after. */
export interface RateWindow {
  readonly days: readonly ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly bytesPerSecond: number | null;
}

/** Bytes per second, and hours in which others hold; null: as fast as they go. */
export interface RateSettings {
  readonly bytesPerSecond: number | null;
  readonly windows?: readonly RateWindow[];
}

/** See the file's comment. */
export class RateCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** One page. */
  page(options: ListOptions = {}): Promise<Page<Rate>> {
    return this.#endpoint.page(LISTING, options);
  }

  /** All rules, page after page. */
  list(options: ListOptions = {}): AsyncGenerator<Rate, void, void> {
    return this.#endpoint.each(LISTING, options);
  }

  /** Says how fast bytes may move there; `*` as the name: each of them. */
  put(
    scope: RateScope,
    name: string,
    settings: RateSettings,
    options: CallOptions = {},
  ): Promise<Accepted> {
    const body = JSON.stringify(settings);
    const action = `bound the rate of ${scope} ${name}`;
    const call = { action, method: "PUT", path: pathOf(scope, name), body } as const;
    return this.#endpoint.call(call, accepted, options);
  }

  /** Takes a rule back. */
  remove(scope: RateScope, name: string, options: CallOptions = {}): Promise<Accepted> {
    const action = `free the rate of ${scope} ${name}`;
    const call = { action, method: "DELETE", path: pathOf(scope, name) } as const;
    return this.#endpoint.call(call, accepted, options);
  }
}

function pathOf(scope: RateScope, name: string): string {
  return `/v1/rates/${scope}/${segment(name)}`;
}

const LISTING = { action: "list rates", path: "/v1/rates", item: rate };
