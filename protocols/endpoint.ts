/** Endpoints without anything but their place. */

import type { Endpoint } from "./contract.ts";

/** A place that is reached without credentials, headers or options. */
export function plainEndpoint(uri: string): Endpoint {
  return {
    uri,
    headers: {},
    auth: null,
    tls: null,
    responseTimeoutMs: null,
    idleTimeoutMs: null,
    options: {},
  };
}
