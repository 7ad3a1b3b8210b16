/** Why jobs wait, counted: the decisive reason of each bucket, as `explain.ts` has it in words. */

import { mostOf } from "./book.ts";
import type { HostSide } from "./host_caps.ts";
import type { PassInput } from "./pass.ts";
import { canBeTaken } from "./relaying.ts";
import type { Bucket } from "./waiting_queue.ts";

/** What keeps jobs from an agent. `soon`: nothing, they are about to be assigned. */
export type WaitingReason =
  | "retryLater"
  | "noAgentFits"
  | "hostsBusy"
  | "tenantBound"
  | "agentsBusy"
  | "agentsAway"
  | "soon";

/** Jobs by reason, all reasons among them; `size` is that of the whole queue. */
export function waitingReasons(
  input: Pick<PassInput, "fleet" | "queue" | "hosts" | "tenant">,
  size: number,
): Map<WaitingReason, number> {
  const counts = new Map<WaitingReason, number>([
    ["retryLater", 0],
    ["noAgentFits", 0],
    ["hostsBusy", 0],
    ["tenantBound", 0],
    ["agentsBusy", 0],
    ["agentsAway", 0],
    ["soon", 0],
  ]);
  let ripe = 0;
  for (const buckets of input.queue.tenants.values()) {
    for (const bucket of buckets.values()) {
      const reason = reasonOf(input, bucket);
      counts.set(reason, counts.get(reason)! + bucket.line.size);
      ripe += bucket.line.size;
    }
  }
  counts.set("retryLater", size - ripe);
  return counts;
}

function reasonOf(
  { fleet, hosts, tenant }: Pick<PassInput, "fleet" | "hosts" | "tenant">,
  bucket: Bucket,
): WaitingReason {
  const { sourceHost, destinationHost, tenant: name } = bucket;
  if (!canBeTaken(fleet, bucket, () => true)) return "noAgentFits";
  const isFull = (host: string | null, side: HostSide) =>
    host !== null && (hosts[side].get(host) ?? 0) >= mostOf(hosts, host, side);
  if (isFull(sourceHost, "source") || isFull(destinationHost, "destination")) {
    return "hostsBusy";
  }
  const { leases, maxRunning } = tenant(name);
  if (maxRunning !== null && leases >= maxRunning) return "tenantBound";
  if (canBeTaken(fleet, bucket, (member) => fleet.free.has(member))) return "soon";
  return canBeTaken(fleet, bucket) ? "agentsBusy" : "agentsAway";
}
