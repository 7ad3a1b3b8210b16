/** An agent as metrics. */

import { counter, gauge } from "../../runtime/telemetry/labelled.ts";
import type { AtOnceCounts } from "../adaptive/ways.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { CheckpointStore } from "../job/checkpoint.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { RelayTally } from "../relay/tally.ts";
import type { AgentMeter } from "./meter.ts";
import type { OwnStatus, Standing } from "./standing.ts";
import type { Tally } from "./tally.ts";

/** What is looked at. */
export interface MeasuredAgent {
  readonly node: string;
  readonly tally: Tally;
  readonly standing: Standing;
  readonly slots: number;
  /** Reports that no controller has answered yet. */
  readonly unreported: number;
  readonly relayed: Pick<RelayTally, "active" | "bytes">;
  /** Pipeline buffers in use, of this thread and of Workers. */
  readonly lentBytes: number;
  /** What Workers do at a time. */
  readonly away: Pick<AtOnceCounts, "files" | "ranges">;
}

/** Every state, so that the compiler finds one that is missing here. */
const STATUSES: Readonly<Record<OwnStatus, true>> = {
  initializing: true,
  registering: true,
  active: true,
  working: true,
  idle: true,
  unhealthy: true,
  draining: true,
  deregistered: true,
  failed: true,
};

/** Metrics `quorus_agent_*` and `quorus_transfer_*`. */
export function agentMetrics(agent: MeasuredAgent): Metric[] {
  const { node, tally, standing, slots, unreported, lentBytes } = agent;
  const one = [{ labels: { node }, of: tally }];
  const relayed = [{ labels: { node }, of: agent.relayed }];
  const statuses = Object.keys(STATUSES).map((status) => ({
    labels: { node, status },
    of: +(status === standing.status),
  }));
  return [
    gauge("quorus_agent_status", "1 for the state that the agent is in.", statuses, (of) => of),
    gauge("quorus_agent_slot_limit", "Transfers that it takes at a time.", one, () => slots),
    gauge("quorus_agent_slots_in_use", "Attempts under way.", one, ({ active }) => active),
    counter("quorus_agent_completed", "Attempts with a receipt.", one, (of) => of.completed),
    counter("quorus_agent_failed", "Attempts that failed.", one, (of) => of.failed),
    counter(
      "quorus_agent_fetched_bytes",
      "Bytes got from sources so far, by all attempts.",
      one,
      (of) => of.bytesTransferred,
    ),
    gauge(
      "quorus_agent_relays",
      "Sources that it reads for other agents.",
      relayed,
      (of) => of.active,
    ),
    counter(
      "quorus_agent_relayed_bytes",
      "Bytes that it has read for other agents.",
      relayed,
      (of) => of.bytes,
    ),
    gauge("quorus_agent_unanswered_reports", "Reports on their way.", one, () => unreported),
    gauge(
      "quorus_agent_buffer_bytes",
      "Memory of the pipelines' buffers in use.",
      one,
      () => lentBytes,
    ),
    ...atOnceMetrics(node, tally.meter.ways.counts, agent.away),
    ...tally.meter.metrics(node),
  ];
}

function atOnceMetrics(
  node: string,
  counts: AtOnceCounts,
  away: MeasuredAgent["away"],
): Metric[] {
  const now = (["files", "ranges"] as const).map((what) => ({
    labels: { node, of: what },
    of: counts[what] + away[what],
  }));
  const changes = (["raised", "lowered", "refused"] as const).map((change) => ({
    labels: { node, change },
    of: counts[change],
  }));
  return [
    gauge(
      "quorus_transfer_at_once",
      "Files of sets, and ranges of large files, that may be under way at a time now.",
      now,
      (of) => of,
    ),
    counter(
      "quorus_transfer_at_once_changes",
      "How often that was raised, lowered, or halved because a host refused.",
      changes,
      (of) => of,
    ),
  ];
}

/** A store whose saves are counted. */
export function meteredCheckpoints(
  store: CheckpointStore,
  meter: AgentMeter,
  clock: Env["clock"],
): CheckpointStore {
  return {
    ...store,
    save: async (jobId, checkpoint, firstChanged) => {
      const beganMs = clock.monotonic();
      try {
        await store.save(jobId, checkpoint, firstChanged);
      } catch (error) {
        meter.saved(clock.monotonic() - beganMs, "failed");
        throw error;
      }
      meter.saved(clock.monotonic() - beganMs, "durable");
    },
  };
}
