/** The app of a gateway: all routes on one gate. `start.ts` makes it on a node, and serves it. */

import { Api, type MountableApp } from "./api.ts";
import type { Feed } from "./feed.ts";
import { gatewayOf, type GatewayOptions } from "./gateway.ts";
import { addAgents } from "./routes/agents.ts";
import { addCluster } from "./routes/cluster.ts";
import { addDefinitions } from "./routes/definitions.ts";
import { addDocuments } from "./routes/documents.ts";
import { addHealth } from "./routes/health.ts";
import { addJobs } from "./routes/jobs.ts";
import { addKeys } from "./routes/keys.ts";
import { addRates } from "./routes/rates.ts";
import { addTenants } from "./routes/tenants.ts";
import { addLive } from "./routes/live.ts";
import { addRuns } from "./routes/runs.ts";

/** How an app is made. */
export interface AppOptions extends GatewayOptions {
  /** What `/v1/events` and `/v1/live` tell; without it they are not there. Whoever made it closes it. */
  readonly feed?: Feed;
}

/** The app of one gateway. */
export function gatewayApp(options: AppOptions): MountableApp {
  const gateway = gatewayOf(options);
  const api = new Api(gateway);
  addHealth(api, gateway);
  addJobs(api, gateway);
  addRuns(api, gateway);
  addDefinitions(api, gateway);
  addAgents(api, gateway);
  addCluster(api, gateway);
  addKeys(api, gateway);
  addTenants(api, gateway);
  addRates(api, gateway);
  if (options.feed !== undefined) addLive(api, options.feed);
  addDocuments(api);
  return api.app;
}
