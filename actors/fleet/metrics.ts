/** The agents as one controller hears of them, as metrics. */

import type { Env } from "../../runtime/env/env.ts";
import { counter, gauge, histogram } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { AgentRecord } from "../agent/record.ts";
import type { Board } from "./board.ts";

/** Metrics `quorus_fleet_*` of `board`, about the agents of the state that have not left. */
export function fleetMetrics(
  node: string,
  board: Board,
  agents: Iterable<Pick<AgentRecord, "id" | "status">>,
  clock: Env["clock"],
): Metric[] {
  const nowMs = clock.monotonic();
  let [down, oldestMs] = [0, 0];
  for (const { id, status } of agents) {
    if (status === "deregistered") continue;
    if (board.downSinceMs(id) !== null) down += 1;
    const sign = board.sign(id);
    if (sign !== null) oldestMs = Math.max(oldestMs, nowMs - sign.atMs);
  }
  const one = [{ labels: { node }, of: board.meter }];
  return [
    counter("quorus_fleet_heartbeats", "Heartbeats of agents.", one, (of) => of.heartbeats),
    gauge("quorus_fleet_unlinked_agents", "Agents without a link to here.", one, () => down),
    gauge(
      "quorus_fleet_heartbeat_age_seconds",
      "Age of the last heartbeat of the agent that was silent longest.",
      one,
      () => oldestMs / 1_000,
    ),
    counter(
      "quorus_fleet_held_back",
      "Times when too many agents were silent at once to give any up.",
      one,
      (of) => of.heldBack,
    ),
    histogram(
      "quorus_fleet_detection_seconds",
      "From the loss of an agent's link to its being given up.",
      one,
      ({ detection }) => detection.data(),
    ),
  ];
}
