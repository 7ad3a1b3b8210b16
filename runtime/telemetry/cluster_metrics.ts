/** A node's view of its cluster as metrics. */

import type { MemberStatus, MemberView } from "../cluster/membership.ts";
import type { TopicMetrics } from "../cluster/topics.ts";
import { counter, gauge } from "./labelled.ts";
import type { Metric } from "./prometheus.ts";

/** Every status, so that the compiler finds one that is missing here. */
const STATUSES: Readonly<Record<MemberStatus, true>> = {
  neverSeen: true,
  up: true,
  suspect: true,
  unreachable: true,
  quarantined: true,
};

/**
 * Metrics `quorus_cluster_*` and `quorus_topic_*` of what `cluster.members()` and
 * `cluster.topics.metrics()` give, labelled with the node whose view they are.
 */
export function clusterMetrics(
  node: string,
  members: readonly MemberView[],
  topics: TopicMetrics,
): Metric[] {
  const byStatus = Object.keys(STATUSES).map((status) => ({
    labels: { node, status },
    of: members.filter((member) => member.status === status).length,
  }));
  return [
    gauge("quorus_cluster_members", "Members by status, this node too.", byStatus, (of) => of),
    ...topicMetrics([{ labels: { node }, of: topics }]),
  ];
}

function topicMetrics(all: readonly { labels: { node: string }; of: TopicMetrics }[]): Metric[] {
  return [
    gauge("quorus_topic_topics", "Topics with a subscriber here.", all, (of) => of.topics),
    gauge("quorus_topic_subscribers", "Subscribers of this node.", all, (of) => of.subscribers),
    gauge(
      "quorus_topic_queued_messages",
      "Messages that wait for subscribers of this node.",
      all,
      (of) => of.queued,
    ),
    counter(
      "quorus_topic_missed_messages",
      "Messages that subscribers of this node have missed.",
      all,
      (of) => of.missed,
    ),
    gauge(
      "quorus_topic_outlets",
      "Topics that other nodes want of this one, counted per node.",
      all,
      (of) => of.outlets,
    ),
    gauge(
      "quorus_topic_outlet_messages",
      "Messages that wait for other nodes.",
      all,
      (of) => of.outletMessages,
    ),
    gauge(
      "quorus_topic_outlet_bytes",
      "Bytes of the messages that wait for other nodes.",
      all,
      (of) => of.outletBytes,
    ),
    counter(
      "quorus_topic_outlet_dropped_messages",
      "Messages for other nodes that were lost before they left.",
      all,
      (of) => of.outletDropped,
    ),
  ];
}
