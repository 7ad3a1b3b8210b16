/**
 * What an agent says of itself when it registers and with every heartbeat: the fields of the papers,
 * with the units of this project. Facts are measured by the agent; a fact that its system does not give
 * is null, never a made-up number.
 */

import { z } from "zod";

const name = z.string().min(1).max(128);
const percent = z.number().min(0).max(100).nullable();
const bytes = z.number().int().nonnegative();

/** A directory tree that an agent holds, proved by the marker file at its root. */
export const volume = z.object({
  /** What the marker file says: the same id at two agents is the same storage. */
  id: name,
  /** Absolute path on this agent. */
  path: z.string().startsWith("/").max(4_096),
  readOnly: z.boolean(),
});

/** Rules as `reach` has them: a name, `*.suffix`, an address or a range, each with a port if it must be. */
const reachRules = z.array(z.string().min(1).max(512)).max(256);

/** Who an agent is and what it can do. */
export const registration = z.object({
  agentId: name,
  /** Of this life of its process. */
  incarnation: name,
  hostname: z.string().max(255),
  version: z.string().max(64),
  capabilities: z.object({
    /** URI schemes of its transfer protocols: `https` is one of `http`. */
    protocols: z.array(name).max(64),
    maxConcurrentTransfers: z.number().int().positive().max(100_000),
    maxBandwidthMbps: z.number().positive().nullable(),
    supportedFeatures: z.array(name).max(64),
  }),
  resources: z.object({
    cpu: z.object({ cores: z.number().int().positive(), architecture: z.string().max(64) }),
    memory: z.object({ totalBytes: bytes, availableBytes: bytes }).nullable(),
    storage: z.object({ totalBytes: bytes, availableBytes: bytes }).nullable(),
    network: z.object({
      interfaces: z.array(z.string().max(64)).max(64),
      totalBandwidthMbps: z.number().positive().nullable(),
    }),
  }),
  location: z.object({
    datacenter: name.nullable(),
    zone: name.nullable(),
    region: name.nullable(),
    tags: z.array(name).max(64),
  }),
  security: z.object({
    certificateFingerprint: z.string().max(128).nullable(),
    supportedAuthMethods: z.array(name).max(16),
  }),
  volumes: z.array(volume).max(64),
  /** Hosts that its transfers may reach; absent: whatever answers. Since version 6 of the log. */
  reach: z.object({ allow: reachRules, deny: reachRules }).optional(),
  /**
   * It reads for other agents, and has others read for it. `url`: where its links are accepted; null: it
   * dials only. Since version 6 of the log.
   */
  relay: z.object({ url: z.string().min(1).max(512).nullable() }).optional(),
});

/** What an agent is doing: told every `heartbeatMs`, kept by the leader, never replicated. */
export const heartbeat = z.object({
  agentId: name,
  incarnation: name,
  timestampMs: z.number(),
  /** One more with each heartbeat of an incarnation. */
  sequenceNumber: z.number().int().nonnegative(),
  status: z.enum(["active", "working", "idle", "draining", "unhealthy"]),
  currentJobs: z.number().int().nonnegative(),
  availableCapacity: z.number().int().nonnegative(),
  metrics: z.object({
    cpu: z.object({
      usagePercent: percent,
      /** Over 1, 5 and 15 minutes. */
      loadAverage: z.array(z.number()).length(3).nullable(),
    }),
    memory: z.object({
      usagePercent: percent,
      availableBytes: bytes.nullable(),
      rssBytes: bytes,
    }),
    network: z.object({ utilizationPercent: percent, bytesTransferred: bytes }),
    transfers: z.object({
      active: z.number().int(),
      completed: z.number().int(),
      failed: z.number().int(),
    }),
  }),
  health: z.object({
    diskSpace: z.enum(["healthy", "low", "full", "unknown"]),
    networkConnectivity: z.enum(["healthy", "degraded"]),
    systemLoad: z.enum(["normal", "high", "overloaded"]),
  }),
  /** Its registration says what it reaches and whether it relays, to controllers that know of that. */
  knowsRelays: z.boolean().optional(),
  lastJobCompletionMs: z.number().nullable(),
  nextMaintenanceWindowMs: z.number().nullable(),
  /** The threads that carry its transfers out; absent where its own thread does. */
  workers: z.array(z.object({
    node: z.string(),
    isUp: z.boolean(),
    transfers: z.number().int().nonnegative(),
    restarts: z.number().int().nonnegative(),
  })).max(64).optional(),
});

export type Volume = z.infer<typeof volume>;
export type Registration = z.infer<typeof registration>;
export type Heartbeat = z.infer<typeof heartbeat>;
