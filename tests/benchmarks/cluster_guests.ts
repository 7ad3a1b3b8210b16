/** What agents without a process of their own say of themselves. */

import type { Heartbeat, Registration } from "../../actors/agent/registration.ts";

/** Of an agent for files under `/data`; without slots no job fits it. */
export function registrationOf(agentId: string, slots: number): Registration {
  return {
    agentId,
    incarnation: `life of ${agentId}`,
    hostname: "bench",
    version: "1.0.0",
    capabilities: {
      protocols: slots === 0 ? ["nothing"] : ["file"],
      maxConcurrentTransfers: Math.max(1, slots),
      maxBandwidthMbps: null,
      supportedFeatures: [],
    },
    resources: {
      cpu: { cores: 1, architecture: "x86_64" },
      memory: null,
      storage: null,
      network: { interfaces: [], totalBandwidthMbps: null },
    },
    location: { datacenter: null, zone: null, region: null, tags: [] },
    security: { certificateFingerprint: null, supportedAuthMethods: [] },
    volumes: slots === 0 ? [] : [{ id: "data", path: "/data", readOnly: false }],
  };
}

/** Of an idle agent. */
export function heartbeatOf(agentId: string, sequenceNumber: number): Heartbeat {
  return {
    agentId,
    incarnation: `life of ${agentId}`,
    timestampMs: Date.now(),
    sequenceNumber,
    status: "idle",
    currentJobs: 0,
    availableCapacity: 1,
    metrics: {
      cpu: { usagePercent: 12.5, loadAverage: [0.5, 0.4, 0.3] },
      memory: { usagePercent: 30, availableBytes: 4_000_000_000, rssBytes: 90_000_000 },
      network: { utilizationPercent: null, bytesTransferred: 1_000_000 },
      transfers: { active: 0, completed: 10, failed: 0 },
    },
    health: { diskSpace: "healthy", networkConnectivity: "healthy", systemLoad: "normal" },
    lastJobCompletionMs: null,
    nextMaintenanceWindowMs: null,
  };
}
