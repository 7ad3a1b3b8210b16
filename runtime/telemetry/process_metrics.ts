/** The process of a node, and the machine that it runs on, as metrics. */

import type { HostMachine } from "../env/machine.ts";
import type { Labels, Metric } from "./prometheus.ts";

/** What is known of a process from its start. */
export interface ProcessFacts {
  readonly node: string;
  readonly version: string;
  readonly roles: readonly string[];
  /** The wall clock at its start, in ms since 1970. */
  readonly startedMs: number;
}

/**
 * Metrics `process_*` under the names that all Prometheus clients use, `quorus_machine_*`, and
 * `quorus_node_info`. What the system does not tell has no sample. `machine` is one of its own: the use
 * of processors is that since the last look of whoever asks.
 */
export function processMetrics(
  facts: ProcessFacts,
  machine: Pick<HostMachine, "load">,
): Metric[] {
  const { node, version, roles, startedMs } = facts;
  const load = machine.load();
  const { cpuUsagePercent: cpu, loadAverage, memory } = load;
  const gauge = (name: string, help: string, value: number | null, more: Labels = {}): Metric => {
    const samples = value === null ? [] : [{ labels: { node, ...more }, value }];
    return { name, help, type: "gauge", samples };
  };
  return [
    gauge("quorus_node_info", "1; version and roles of the node.", 1, {
      version,
      roles: roles.join(","),
    }),
    gauge("process_start_time_seconds", "Start of the process since 1970.", startedMs / 1_000),
    gauge("process_resident_memory_bytes", "Memory of the process.", load.rssBytes),
    gauge(
      "quorus_machine_cpu_usage_ratio",
      "Use of all processors since the last look.",
      cpu === null ? null : cpu / 100,
    ),
    gauge("quorus_machine_load1", "Load of the machine, one minute.", loadAverage?.[0] ?? null),
    gauge("quorus_machine_memory_bytes", "Memory of the machine.", memory?.totalBytes ?? null),
    gauge(
      "quorus_machine_available_memory_bytes",
      "Memory of the machine that can be had.",
      memory?.availableBytes ?? null,
    ),
  ];
}
