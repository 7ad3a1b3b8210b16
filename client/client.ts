/** All endpoints as typed methods. */

import { AgentCalls } from "./agents.ts";
import { ClusterCalls } from "./cluster.ts";
import { DefinitionCalls } from "./definitions.ts";
import { Endpoint } from "./endpoint.ts";
import { hostOf, type HostOptions } from "./host.ts";
import { JobCalls } from "./jobs.ts";
import { KeyCalls } from "./keys.ts";
import { type ClientLimits, clientLimits } from "./limits.ts";
import { RunCalls } from "./runs.ts";
import { RateCalls } from "./rates.ts";
import { TenantCalls } from "./tenants.ts";
import type { LiveEvent } from "./schemas.ts";
import { Transport } from "./transport.ts";
import { watchEvents, type WatchOptions } from "./watch.ts";

/** Where the gateways are, and who asks. */
export interface ClientOptions extends HostOptions {
  /** `https://host:port`, with a path where the gateway is mounted below one; several for failover. */
  readonly url: string | readonly string[];
  /** The API key. */
  readonly key?: string | undefined;
  readonly limits?: Partial<ClientLimits>;
}

/** A client of one cluster. Every method rejects with ClientError and nothing else. */
export interface QuorusClient {
  readonly jobs: JobCalls;
  readonly runs: RunCalls;
  readonly definitions: DefinitionCalls;
  readonly agents: AgentCalls;
  readonly cluster: ClusterCalls;
  readonly keys: KeyCalls;
  readonly tenants: TenantCalls;
  readonly rates: RateCalls;
  /** What happens, as it happens; begins again by itself where it was cut. */
  watch(options?: WatchOptions): AsyncGenerator<LiveEvent, void, void>;
}

/** A client; nothing is sent before the first call. ClientError `misused` for a URL or key that is none. */
export function quorusClient(options: ClientOptions): QuorusClient {
  const { url, key = null } = options;
  const host = hostOf(options);
  const limits = clientLimits(options.limits);
  const urls = typeof url === "string" ? [url] : url;
  const transport = new Transport({ urls, key, host, limits });
  const endpoint = new Endpoint(transport);
  return {
    jobs: new JobCalls(endpoint),
    runs: new RunCalls(endpoint),
    definitions: new DefinitionCalls(endpoint),
    agents: new AgentCalls(endpoint),
    cluster: new ClusterCalls(endpoint),
    keys: new KeyCalls(endpoint, host),
    tenants: new TenantCalls(endpoint),
    rates: new RateCalls(endpoint),
    watch: (watched = {}) => watchEvents({ transport, host, limits }, watched),
  };
}
