/** The live feed as metrics. */

import { counter, gauge } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { FanoutCounts } from "./fanout.ts";

/** Metrics `quorus_live_*` of one gateway. */
export function liveMetrics(node: string, counts: FanoutCounts): Metric[] {
  const one = [{ labels: { node }, of: counts }];
  return [
    gauge("quorus_live_subscribers", "Streams that are open.", one, (of) => of.subscribers),
    gauge("quorus_live_slow_subscribers", "Streams that lag behind.", one, (of) => of.slow),
    counter("quorus_live_delivered_events", "Events sent to clients.", one, (of) => of.delivered),
    counter("quorus_live_missed_events", "Events that clients missed.", one, (of) => of.missed),
    gauge("quorus_live_kept_events", "Events kept for those who lag.", one, (of) => of.ringEvents),
  ];
}
