/** The links of a node as metrics. */

import { limitValues } from "../base/limits.ts";
import type { PeerView } from "../remote/peer.ts";
import { MESSAGE_LANES } from "../remote/wire.ts";
import { counter, gauge, type Labelled } from "./labelled.ts";
import { TELEMETRY_LIMITS } from "./limits.ts";
import type { Metric } from "./prometheus.ts";

type Peers = readonly Labelled<PeerView>[];

/** Every state of a link, so that the compiler finds one that is missing here. */
const STATES: Readonly<Record<PeerView["state"], true>> = {
  joining: true,
  up: true,
  down: true,
  unreachable: true,
};

/**
 * Metrics `quorus_link_*` of what `node.links.peers()` gives, labelled with node and peer, of `most` peers
 * by their names; `quorus_links` counts all of them. Counters are those of an association and begin anew
 * with the next one; without one they have no sample.
 */
export function linkMetrics(
  node: string,
  peers: readonly PeerView[],
  most: number = limitValues(TELEMETRY_LIMITS).linkPeers,
): Metric[] {
  const shown = peers.length <= most ? peers : peers.toSorted(byName).slice(0, most);
  const all = shown.map((of) => ({ labels: { node, peer: of.node }, of }));
  return [
    totals(node, peers),
    ...health(all),
    ...credit(all),
    ...waiting(all),
    ...counted(all),
  ];
}

function totals(node: string, peers: readonly PeerView[]): Metric {
  const states = Object.keys(STATES).map((state) => ({
    labels: { node, state },
    of: peers.filter((peer) => peer.state === state).length,
  }));
  return gauge("quorus_links", "Peers by the state of their link.", states, (of) => of);
}

function byName(a: PeerView, b: PeerView): number {
  return a.node < b.node ? -1 : 1;
}

function health(all: Peers): Metric[] {
  return [
    gauge("quorus_link_up", "1 where the link stands.", all, ({ state }) => +(state === "up")),
    gauge(
      "quorus_link_round_trip_seconds",
      "Time of the last ping to its pong.",
      all,
      ({ rttMs }) => rttMs === null ? null : rttMs / 1_000,
    ),
    gauge("quorus_link_phi", "Suspicion of the failure detector.", all, ({ phi }) => phi),
  ];
}

/** What the peer has given and our messages hold, by lane. */
function credit(all: Peers): Metric[] {
  const held = all.flatMap(({ labels, of }) =>
    MESSAGE_LANES.map((lane) => {
      const counts = of.held.filter((count) => count.lane === lane);
      return { labels: { ...labels, lane }, of: counts };
    })
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, two) => one + two, 0);
  return [
    gauge(
      "quorus_link_credit_held_messages",
      "Messages under way that the peer has not processed.",
      held,
      (counts) => sum(counts.map(({ messages }) => messages)),
    ),
    gauge(
      "quorus_link_credit_held_bytes",
      "Bytes of the messages under way that the peer has not processed.",
      held,
      (counts) => sum(counts.map(({ bytes }) => bytes)),
    ),
  ];
}

function waiting(all: Peers): Metric[] {
  const watches = all.flatMap(({ labels, of }) => [
    { labels: { ...labels, side: "ours" }, of: of.watches.ours },
    { labels: { ...labels, side: "theirs" }, of: of.watches.theirs },
  ]);
  return [
    gauge("quorus_link_queued_records", "Records that no socket has.", all, (of) => of.queued),
    gauge("quorus_link_pending_asks", "Asks to the peer that wait.", all, (of) => of.asked),
    gauge(
      "quorus_link_answering_asks",
      "Asks of the peer that are not answered yet.",
      all,
      (of) => of.answering,
    ),
    gauge("quorus_link_watches", "Watches on actors of the other side.", watches, (of) => of),
    gauge(
      "quorus_link_unacknowledged_system_messages",
      "System messages that the peer has not acknowledged.",
      all,
      (of) => of.unacknowledged,
    ),
    gauge(
      "quorus_link_unprocessed_messages",
      "Messages of the peer that actors of this node have not processed.",
      all,
      (of) => of.unprocessed,
    ),
  ];
}

function counted(all: Peers): Metric[] {
  const counters = all.flatMap(({ labels, of }) =>
    of.counters === null ? [] : [{ labels, of: of.counters }]
  );
  return [
    counter(
      "quorus_link_reconnects",
      "Links after the first one.",
      counters,
      (of) => of.reconnects,
    ),
    counter(
      "quorus_link_malformed_records",
      "Records of the peer that were none.",
      counters,
      (of) => of.malformed,
    ),
    counter(
      "quorus_link_wrong_credit",
      "Credit that the peer gave back and did not have.",
      counters,
      (of) => of.wrongCredit,
    ),
    counter("quorus_link_messages_sent", "Messages sent.", counters, (of) => of.messagesSent),
    counter(
      "quorus_link_messages_received",
      "Messages received.",
      counters,
      (of) => of.messagesReceived,
    ),
  ];
}
