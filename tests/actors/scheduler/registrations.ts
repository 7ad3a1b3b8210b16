/** What agents of tests say of themselves. */

import type { Registration, Volume } from "../../../actors/agent/registration.ts";

/** An agent with so many slots. */
export function registrationOf(
  agentId: string,
  slots: number,
  volumes: readonly Volume[] = [],
): Registration {
  return {
    agentId,
    incarnation: "1",
    hostname: "host",
    version: "1",
    capabilities: {
      protocols: ["https", "memory"],
      maxConcurrentTransfers: slots,
      maxBandwidthMbps: null,
      supportedFeatures: [],
    },
    resources: {
      cpu: { cores: 1, architecture: "x86_64" },
      memory: { totalBytes: 1, availableBytes: 1 },
      storage: null,
      network: { interfaces: [], totalBandwidthMbps: null },
    },
    location: { datacenter: null, zone: null, region: null, tags: [] },
    security: { certificateFingerprint: null, supportedAuthMethods: [] },
    volumes: [...volumes],
  };
}
