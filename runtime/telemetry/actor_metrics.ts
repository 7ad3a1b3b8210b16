/** The numbers of a node's actors as metrics. */

import type { NodeMetrics } from "../actor/inspect.ts";
import type { Metric } from "./prometheus.ts";

/** Metrics `quorus_actor_*` of one node, each labelled with it. */
export function actorMetrics(node: string, metrics: NodeMetrics): Metric[] {
  const labels = { node };
  const gauge = (name: string, help: string, value: number): Metric => {
    return { name: `quorus_actor_${name}`, help, type: "gauge", samples: [{ labels, value }] };
  };
  const counter = (name: string, help: string, value: number): Metric => {
    const samples = [{ labels, value }];
    return { name: `quorus_actor_${name}_total`, help, type: "counter", samples };
  };
  return [
    gauge("actors", "Living actors.", metrics.actors),
    gauge("mailbox_depth", "Messages waiting in all mailboxes.", metrics.mailboxDepth),
    gauge("mailbox_depth_high", "Deepest mailbox since start.", metrics.mailboxDepthHigh),
    gauge(
      "mailbox_age_seconds",
      "Age of the oldest waiting message.",
      metrics.oldestMessageMs / 1_000,
    ),
    gauge(
      "mailbox_age_high_seconds",
      "Longest wait of a message since start.",
      metrics.oldestMessageMsHigh / 1_000,
    ),
    gauge("waiting_senders", "Senders that wait for room.", metrics.waitingSenders),
    gauge("remote_asks", "Asks to other nodes that have not settled.", metrics.remoteAsks),
    counter("restarts", "Restarts of actors.", metrics.restarts),
    counter("failures", "Incarnations that failed.", metrics.failures),
    counter("refused_full", "Messages refused by full mailboxes.", metrics.refusedFull),
    counter("expired_asks", "Asks that were given up unhandled.", metrics.expiredAsks),
    counter("stalled_sends", "Reports of senders that waited too long.", metrics.stalledSends),
    deadLetters(node, metrics),
    ...handlers(node, metrics),
  ];
}

function deadLetters(node: string, metrics: NodeMetrics): Metric {
  return {
    name: "quorus_actor_dead_letters_total",
    help: "Messages that reached nobody, by reason.",
    type: "counter",
    samples: Object.entries(metrics.deadLettersByReason).map(([reason, value]) => {
      return { labels: { node, reason }, value };
    }),
  };
}

function handlers(node: string, { handlerTime, protocols }: NodeMetrics): Metric[] {
  const { bounds, counts, sum } = handlerTime;
  return [
    {
      name: "quorus_actor_handler_seconds",
      help: "Time that handlers held the thread, per message.",
      type: "histogram",
      samples: [{
        labels: { node },
        bounds: bounds.map((boundMs) => boundMs / 1_000),
        counts,
        sum: sum / 1_000,
      }],
    },
    {
      name: "quorus_actor_messages_total",
      help: "Messages handled, by message protocol.",
      type: "counter",
      samples: protocols.map(({ protocol, handled }) => {
        return { labels: { node, protocol }, value: handled };
      }),
    },
    {
      name: "quorus_actor_protocol_handler_seconds_total",
      help: "Time that handlers held the thread, by message protocol.",
      type: "counter",
      samples: protocols.map(({ protocol, handlerMs }) => {
        return { labels: { node, protocol }, value: handlerMs / 1_000 };
      }),
    },
  ];
}
