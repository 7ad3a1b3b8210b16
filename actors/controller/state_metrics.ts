/** The replicated state as metrics: what it holds now, on this member. */

import { counter, gauge } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { LabelValues } from "../../runtime/telemetry/series.ts";
import type { JobState } from "../job/record.ts";
import { IDLE, type State, type TenantLoad } from "./state.ts";

/** Every state, so that a series is there before the first job is in it. */
const NONE: Readonly<Record<JobState, number>> = {
  submitted: 0,
  queued: 0,
  assigned: 0,
  running: 0,
  verifying: 0,
  publishing: 0,
  succeeded: 0,
  retrying: 0,
  paused: 0,
  cancelled: 0,
  failed: 0,
  unknown: 0,
};

/** Looks at every job that is not archived: of 100,000 that took 80 ms of CPU on a crowded machine. */
export function stateMetrics(node: string, state: State, tenants: LabelValues): Metric[] {
  return [jobs(node, state, tenants), ...loads(node, state, tenants), ...counts(node, state)];
}

function jobs(node: string, state: State, tenants: LabelValues): Metric {
  const byName = new Map([["default", { ...NONE }]]);
  /** By tenant: several may share the counts of one name. */
  const byTenant = new Map<string, Record<JobState, number>>();
  const countsOf = (tenant: string): Record<JobState, number> => {
    const name = tenants.of(tenant);
    const counts = byName.get(name) ?? { ...NONE };
    byName.set(name, counts);
    byTenant.set(tenant, counts);
    return counts;
  };
  state.jobs.forEach(({ tenant, state: of }) => {
    (byTenant.get(tenant) ?? countsOf(tenant))[of] += 1;
  });
  const samples = [...byName].flatMap(([tenant, counts]) =>
    Object.entries(counts).map(([state, value]) => ({ labels: { node, tenant, state }, value }))
  );
  const help = "Jobs that are not archived, by tenant and state.";
  return { name: "quorus_jobs", help, type: "gauge", samples };
}

function loads(node: string, state: State, tenants: LabelValues): Metric[] {
  const byTenant = new Map<string, TenantLoad>();
  for (const [tenant, load] of state.load.tenants) {
    const name = tenants.of(tenant);
    const sum = byTenant.get(name) ?? IDLE;
    byTenant.set(name, {
      submitted: sum.submitted + load.submitted,
      waiting: sum.waiting + load.waiting,
      leases: sum.leases + load.leases,
    });
  }
  const all = [...byTenant].map(([tenant, of]) => ({ labels: { node, tenant }, of }));
  return [
    gauge("quorus_tenant_leases", "Transfers that agents hold.", all, (of) => of.leases),
    gauge("quorus_tenant_waiting_jobs", "Jobs that wait for an agent.", all, (of) => of.waiting),
    gauge(
      "quorus_tenant_submitted_jobs",
      "Jobs that wait for a place in the queue.",
      all,
      (of) => of.submitted,
    ),
  ];
}

function counts(node: string, state: State): Metric[] {
  const one = [{ labels: { node }, of: state }];
  const runs = byKey([...state.runs.values()].map((run) => run.state));
  const agents = byKey([...state.agents.values()].map(({ status }) => status));
  const labelled = (counts: Map<string, number>, name: string) =>
    [...counts].map(([value, of]) => ({ labels: { node, [name]: value }, of }));
  return [
    gauge("quorus_runs", "Runs that are not archived.", labelled(runs, "state"), (of) => of),
    gauge("quorus_agents", "Agents by state.", labelled(agents, "status"), (of) => of),
    gauge("quorus_agent_slots", "Transfers that all able agents can have at a time.", one, slots),
    gauge("quorus_waiting_jobs", "Jobs that wait for an agent.", one, ({ load }) => load.waiting),
    gauge("quorus_definitions", "Workflows that are kept.", one, (of) => of.definitions.size),
    gauge("quorus_api_keys", "API keys.", one, ({ keys }) => keys.size),
    gauge("quorus_tenants", "Tenants with settings.", one, ({ tenants }) => tenants.size),
    gauge("quorus_bandwidth_rules", "Rules about bandwidth.", one, ({ rates }) => rates.size),
    gauge("quorus_epoch", "Epoch of the state; a restore begins another.", one, (of) => of.epoch),
    counter("quorus_archive_segments_cut", "Segments so far.", one, (of) => of.archive.count),
    gauge(
      "quorus_archive_segments",
      "Segments that are kept.",
      one,
      ({ archive }) => archive.segments.size,
    ),
    gauge(
      "quorus_archive_open_segments",
      "Segments that are not on enough disks yet.",
      one,
      ({ archive }) => archive.open.size,
    ),
  ];
}

function slots({ agents }: State): number {
  let sum = 0;
  for (const { status, registration } of agents.values()) {
    if (status === "active") sum += registration.capabilities.maxConcurrentTransfers;
  }
  return sum;
}

function byKey(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
