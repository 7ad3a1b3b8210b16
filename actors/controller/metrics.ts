/** Everything that a controller counts, in one place. */

import type { Env } from "../../runtime/env/env.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import { raftMetrics } from "../../runtime/telemetry/raft_metrics.ts";
import { DURATION_SECONDS, LabelledHistogram } from "../../runtime/telemetry/series.ts";
import type { Board } from "../fleet/board.ts";
import { fleetMetrics } from "../fleet/metrics.ts";
import { SchedulerMeter } from "../scheduler/meter.ts";
import { ControllerMeter } from "./meter.ts";
import type { Replica } from "./replica.ts";
import { stateMetrics } from "./state_metrics.ts";

/** What is there before the controller is. */
export class ControllerMeters {
  readonly scheduler = new SchedulerMeter();
  readonly #commits = new LabelledHistogram({
    name: "quorus_controller_commit_seconds",
    help: "From a command's proposal on this node to its answer, by how that went.",
  }, DURATION_SECONDS);

  /** A command that was proposed here has its answer. */
  answered(tookMs: number, outcome: "committed" | "failed"): void {
    this.#commits.add({ outcome }, tookMs / 1_000);
  }

  /** From now on what is committed is counted; the function tells all metrics of the controller. */
  follow(node: string, env: Env, replica: Replica, board: Board): () => readonly Metric[] {
    const meter = new ControllerMeter(env.clock, replica.state);
    replica.follow((news) => {
      for (const one of news) {
        if (one.type === "restored") meter.resume(replica.state);
        else if (one.isReplay) meter.replayed(one.effects);
        else meter.happened(one.effects, replica.state.nowMs);
      }
    });
    return () => [
      ...raftMetrics([replica.raft.status()]),
      this.#commits.metric(node),
      ...meter.metrics(node),
      ...stateMetrics(node, replica.state, meter.tenants),
      ...this.scheduler.metrics(node),
      ...fleetMetrics(node, board, replica.state.agents.values(), env.clock),
    ];
  }
}
