/** An agent's heartbeat and registration as measured: pure but for the looks at the machine. */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { DiskSpace, HostMachine, MachineLoad } from "../../runtime/env/machine.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import type { Heartbeat, Registration } from "./registration.ts";
import type { OwnStatus } from "./standing.ts";
import type { Tally } from "./tally.ts";

type Limits = LimitValues<typeof ACTOR_LIMITS>;

/** What is configured of an agent; everything else of its registration is measured. */
export type AgentFacts =
  & Pick<Registration, "version" | "location">
  & {
    /** Hosts that it may reach; null: it has named none. */
    readonly reach: NonNullable<Registration["reach"]> | null;
    /** Where its links for relays are accepted; null: nowhere. */
    readonly relayUrl: string | null;
    /** Null: as the machine says. */
    readonly hostname: string | null;
    readonly maxConcurrentTransfers: number;
    readonly maxBandwidthMbps: number | null;
    readonly certificateFingerprint: string | null;
    readonly supportedAuthMethods: readonly string[];
  };

/** What the transfers of an agent can do, whatever their protocol. */
const FEATURES = ["chunked-transfer", "resume", "parallel-ranges", "sha256"];

/** A registration, measured now. */
export async function measureRegistration(
  machine: HostMachine,
  agentId: string,
  incarnation: string,
  folder: string,
  facts: AgentFacts,
  rest: Pick<Registration, "volumes"> & { readonly protocols: readonly string[] },
): Promise<Registration> {
  const { hostname, cores, architecture, interfaces } = machine.facts();
  return {
    agentId,
    incarnation,
    hostname: facts.hostname ?? hostname ?? agentId,
    version: facts.version,
    capabilities: {
      protocols: [...rest.protocols],
      maxConcurrentTransfers: facts.maxConcurrentTransfers,
      maxBandwidthMbps: facts.maxBandwidthMbps,
      supportedFeatures: [...FEATURES],
    },
    resources: {
      cpu: { cores, architecture },
      memory: machine.load().memory,
      storage: await machine.space(folder),
      network: { interfaces: [...interfaces], totalBandwidthMbps: null },
    },
    location: facts.location,
    security: {
      certificateFingerprint: facts.certificateFingerprint,
      supportedAuthMethods: [...facts.supportedAuthMethods],
    },
    volumes: rest.volumes,
    ...(facts.reach === null ? {} : { reach: facts.reach }),
    relay: { url: facts.relayUrl },
  };
}

/** What a heartbeat is made of. */
export interface Observed {
  readonly load: MachineLoad;
  readonly cores: number;
  /** Of the file systems that the agent writes to; null where it cannot be told. */
  readonly spaces: readonly (DiskSpace | null)[];
  readonly tally: Tally;
  /** Bytes and time since the heartbeat before; `sinceMs` 0 at the first. */
  readonly bytesSince: number;
  readonly sinceMs: number;
  readonly slots: number;
  readonly maxBandwidthMbps: number | null;
  readonly linkedControllers: number;
  readonly controllers: number;
}

/** The measured part of a heartbeat. */
export function measured(
  seen: Observed,
  limits: Limits,
): Pick<
  Heartbeat,
  "currentJobs" | "availableCapacity" | "metrics" | "health" | "lastJobCompletionMs"
> {
  const { load, tally, slots } = seen;
  return {
    currentJobs: tally.active,
    availableCapacity: Math.max(0, slots - tally.active),
    metrics: {
      cpu: {
        usagePercent: load.cpuUsagePercent,
        loadAverage: load.loadAverage === null ? null : [...load.loadAverage],
      },
      memory: {
        usagePercent: memoryPercent(load),
        availableBytes: load.memory?.availableBytes ?? null,
        rssBytes: load.rssBytes,
      },
      network: {
        utilizationPercent: networkPercent(seen),
        bytesTransferred: tally.bytesTransferred,
      },
      transfers: { active: tally.active, completed: tally.completed, failed: tally.failed },
    },
    health: {
      diskSpace: diskHealth(seen.spaces, limits),
      networkConnectivity: seen.linkedControllers < seen.controllers ? "degraded" : "healthy",
      systemLoad: loadHealth(seen, limits),
    },
    lastJobCompletionMs: tally.lastCompletionMs,
  };
}

function memoryPercent({ memory }: MachineLoad): number | null {
  if (memory === null || memory.totalBytes === 0) return null;
  return percent((memory.totalBytes - memory.availableBytes) / memory.totalBytes);
}

/** Of the bandwidth that was declared; nothing else is known of the line. */
function networkPercent({ bytesSince, sinceMs, maxBandwidthMbps }: Observed): number | null {
  if (maxBandwidthMbps === null || sinceMs <= 0) return null;
  const bitsPerSecond = bytesSince * 8 / (sinceMs / 1_000);
  return percent(bitsPerSecond / (maxBandwidthMbps * 1_000_000));
}

function percent(share: number): number {
  return Math.min(100, Math.max(0, share * 100));
}

/** The worst of the file systems. */
export function diskHealth(
  spaces: readonly (DiskSpace | null)[],
  { diskFullBytes, diskLowPercent }: Limits,
): Heartbeat["health"]["diskSpace"] {
  const known = spaces.filter((space) => space !== null);
  if (known.length === 0) return "unknown";
  if (known.some(({ availableBytes }) => availableBytes < diskFullBytes)) return "full";
  const isLow = ({ availableBytes, totalBytes }: DiskSpace) =>
    availableBytes / totalBytes * 100 < diskLowPercent;
  return known.some(isLow) ? "low" : "healthy";
}

function loadHealth(
  { load, cores }: Observed,
  { loadHighPercent, loadOverPercent }: Limits,
): Heartbeat["health"]["systemLoad"] {
  const perCore = load.loadAverage === null ? 0 : load.loadAverage[0] / cores * 100;
  if (perCore >= loadOverPercent) return "overloaded";
  return perCore >= loadHighPercent ? "high" : "normal";
}

/** What an agent says of itself; null while it has nothing to say. */
export function toldStatus(status: OwnStatus): Heartbeat["status"] | null {
  switch (status) {
    case "active":
    case "working":
    case "idle":
    case "draining":
    case "unhealthy":
      return status;
    default:
      return null;
  }
}
