/** The bounds of the cluster: detector, membership, topics, placement. */

import { assert } from "../base/assert.ts";
import { type LimitTable, type LimitValues, limitValues } from "../base/limits.ts";
import { KIB, MIB } from "../base/units.ts";

/** Every number, queue and timeout of `runtime/cluster`. */
export const CLUSTER_LIMITS = {
  detectorPingMs: {
    unit: "ms",
    value: 1_000,
    why:
      "pause between pings of a link; shorter intervals are taken for this one (pingMs of links)",
  },
  detectorSamples: { unit: "count", value: 100, why: "intervals between answers that are kept" },
  detectorPhi: {
    unit: "count",
    value: 8,
    why: "a link is given up from this phi on: wrong once in 10^8 at most, if the model holds",
  },
  detectorMinStdMs: {
    unit: "ms",
    value: 100,
    why: "a link that was very regular so far is no reason to suspect a small delay",
  },
  detectorPauseMs: {
    unit: "ms",
    value: 2_000,
    why: "garbage collection or load that may stop a peer without its being suspected",
  },
  detectorCertainMs: {
    unit: "ms",
    value: 3_900,
    why: "silence that is enough whatever the history; the ping after it comes before 5 s are over",
  },
  members: { unit: "count", value: 1_024, why: "nodes of one cluster" },
  memberDialMs: {
    unit: "ms",
    value: 5_000,
    why: "pause before a member whose link was refused for good is dialled again",
  },
  findMs: { unit: "ms", value: 2_000, why: "how long a search by name waits for a member" },
  findParallel: { unit: "count", value: 64, why: "members that one search asks at once" },
  topicsPerNode: { unit: "count", value: 1_024, why: "topics to which one node subscribes" },
  subscribersPerTopic: {
    unit: "count",
    value: 10_000,
    why: "local subscribers of one topic on one node",
  },
  topicQueueMessages: {
    unit: "count",
    value: 256,
    why: "messages that wait for one subscriber that names no number; then the oldest is lost",
  },
  outletMessages: {
    unit: "count",
    value: 1_024,
    why: "messages of one topic that wait for one node; then the oldest is lost",
  },
  outletBytes: {
    unit: "bytes",
    value: 4 * MIB,
    why: "bytes of one topic that wait for one node; then the oldest is lost",
  },
  topicMessageBytes: { unit: "bytes", value: 256 * KIB, why: "one published message as text" },
  deliverMessages: { unit: "count", value: 256, why: "messages of a topic that travel together" },
  deliverBytes: { unit: "bytes", value: 512 * KIB, why: "bytes of a topic that travel together" },
  deliverMs: {
    unit: "ms",
    value: 5_000,
    why: "how long a node has to take what travels together; then it counts as lost",
  },
  announceMs: {
    unit: "ms",
    value: 2_000,
    why: "how long a node has to hear which topics another one wants",
  },
  announceAgainMs: { unit: "ms", value: 500, why: "pause before that is said again" },
  topicTurnMessages: {
    unit: "count",
    value: 256,
    why: "messages given to one subscriber before the event loop gets its turn",
  },
  entities: { unit: "count", value: 10_000, why: "singletons and keys that one authority places" },
  placementTickMs: {
    unit: "ms",
    value: 500,
    why: "pause after which grants and revocations that nobody confirmed are said again",
  },
  proposeAgainMs: {
    unit: "ms",
    value: 10,
    why: "first pause before a decision is proposed again for which a group had no room",
  },
  proposeAgainMostMs: {
    unit: "ms",
    value: 320,
    why: "the longest such pause; each is twice the one before",
  },
  proposeAgainForMs: {
    unit: "ms",
    value: 5_000,
    why: "how long that goes on; nodes report again, and whoever placed something is told",
  },
  regrantMs: {
    unit: "ms",
    value: 1_000,
    why: "pause before an entity that has failed for good is granted again",
  },
  keeperHelloMs: {
    unit: "ms",
    value: 1_000,
    why: "pause between two reports of a node to the authority",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type ClusterLimits = LimitValues<typeof CLUSTER_LIMITS>;

/** The defaults with `overrides` applied; AssertionError where they contradict each other. */
export function clusterLimits(overrides: Partial<ClusterLimits> = {}): ClusterLimits {
  const limits = limitValues(CLUSTER_LIMITS, overrides);
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value >= 1, `${name} is a whole number of at least 1`);
  }
  assert(
    limits.detectorPingMs + limits.detectorPauseMs < limits.detectorCertainMs,
    "a peer that pauses as long as it may is not given up",
  );
  assert(limits.detectorSamples >= 2, "a deviation needs two samples");
  assert(limits.topicMessageBytes <= limits.deliverBytes, "any message may travel");
  assert(limits.topicMessageBytes <= limits.outletBytes, "any message may wait");
  return limits;
}
