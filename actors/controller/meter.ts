/**
 * What a controller counts: everything that was committed while it ran, as it hears of it. Every controller
 * applies every command, so each of them counts all of it: of several nodes, take one or the greatest.
 */

import type { Env } from "../../runtime/env/env.ts";
import { Histogram } from "../../runtime/telemetry/histogram.ts";
import { histogram } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import {
  DURATION_SECONDS,
  LabelledCounter,
  LabelledHistogram,
  LabelValues,
} from "../../runtime/telemetry/series.ts";
import { FINAL_STATES, type Job, LEASED_STATES } from "../job/record.ts";
import type { Effect } from "./applied.ts";
import type { State } from "./state.ts";

type Counters = ReturnType<typeof counters>;

/** See the head of this file. */
export class ControllerMeter {
  /** Tenants with series of their own. */
  readonly tenants = new LabelValues();
  readonly #clock: Env["clock"];
  readonly #counters: Counters = counters();
  readonly #codes = new LabelValues();
  readonly #assignment = labelledHistogram(
    "quorus_job_assignment_seconds",
    "From a job's submission to its first assignment, by the group's clock.",
  );
  readonly #duration = labelledHistogram(
    "quorus_job_duration_seconds",
    "From a job's start to its end.",
  );
  readonly #redistribution = new Histogram(DURATION_SECONDS);
  /** When jobs lost their agent; each leaves when it is assigned again or over. */
  readonly #lostMs = new Map<string, number>();
  readonly #running = new Set<string>();

  constructor(clock: Env["clock"], state: State) {
    this.#clock = clock;
    this.resume(state);
  }

  /** State that came as a whole, at the start or as a snapshot: its runs were begun before. */
  resume(state: State): void {
    this.#running.clear();
    this.#lostMs.clear();
    for (const run of state.runs.values()) if (run.endedMs === null) this.#running.add(run.id);
  }

  /** What was done before this life of the node is not counted. */
  replayed(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== "runChanged") continue;
      const { id, endedMs } = effect.run;
      if (endedMs === null) this.#running.add(id);
      else this.#running.delete(id);
    }
  }

  /** Counts what a command has done; `nowMs` is the group's clock. */
  happened(effects: readonly Effect[], nowMs: number): void {
    for (const effect of effects) {
      if (effect.type === "jobChanged") this.#job(effect.job, effect.before, nowMs);
      if (effect.type === "runChanged") this.#run(effect.run);
      if (effect.type === "agentChanged") this.#agent(effect.agent, effect.before);
    }
  }

  /** All that was counted. */
  metrics(node: string): Metric[] {
    return [
      ...Object.values(this.#counters).map((counter) => counter.metric(node)),
      this.#assignment.metric(node),
      this.#duration.metric(node),
      histogram(
        "quorus_job_redistribution_seconds",
        "From the loss of a job's agent to its next assignment.",
        [{ labels: { node }, of: this.#redistribution }],
        (seconds) => seconds.data(),
      ),
    ];
  }

  #job(job: Job, before: Job | null, nowMs: number): void {
    const tenant = this.tenants.of(job.tenant);
    const counters = this.#counters;
    if (before === null) counters.submitted.add({ tenant });
    if (job.lease !== null && job.lease.index !== before?.lease?.index) {
      this.#assigned(job, before, tenant, nowMs);
    }
    this.#noteLoss(job, before);
    if (before?.state === job.state) return;
    if (job.state === "retrying") {
      counters.retries.add({ tenant });
      counters.failures.add({ code: this.#codes.of(job.error?.code ?? "none") });
    }
    if (FINAL_STATES.has(job.state) || job.state === "unknown") this.#ended(job, tenant);
  }

  #assigned(job: Job, before: Job | null, tenant: string, nowMs: number): void {
    this.#counters.assignments.add({ tenant });
    if ((before?.attempts ?? 0) === 0) {
      this.#assignment.add({ tenant }, Math.max(0, nowMs - job.submittedMs) / 1_000);
    }
    const lostMs = this.#lostMs.get(job.id);
    if (lostMs === undefined) return;
    this.#redistribution.add((this.#clock.monotonic() - lostMs) / 1_000);
  }

  /** A lease that nobody gave back leaves a stale file, whose writer may still be at work. */
  #noteLoss(job: Job, before: Job | null): void {
    const isLost = before !== null && LEASED_STATES.has(before.state) &&
      !LEASED_STATES.has(job.state) && job.stale.length > before.stale.length;
    if (isLost) {
      this.#counters.lostLeases.add({ tenant: this.tenants.of(job.tenant) });
      this.#lostMs.set(job.id, this.#clock.monotonic());
    }
    if (LEASED_STATES.has(job.state) || job.endedMs !== null) this.#lostMs.delete(job.id);
  }

  #ended(job: Job, tenant: string): void {
    const { state, receipt, startedMs, endedMs, error } = job;
    const counters = this.#counters;
    counters.ended.add({ tenant, state });
    if (state === "failed") counters.failures.add({ code: this.#codes.of(error?.code ?? "none") });
    if (startedMs !== null && endedMs !== null) {
      this.#duration.add({ tenant, state }, Math.max(0, endedMs - startedMs) / 1_000);
    }
    if (receipt === null) return;
    const files = receipt.files?.files ?? 1;
    counters.files.add({ tenant, outcome: receipt.outcome, level: receipt.level }, files);
    counters.bytes.add({ tenant }, receipt.bytes);
    counters.fetched.add({ tenant }, receipt.fetchedBytes);
    counters.kept.add({ tenant }, receipt.keptBytes);
  }

  #run({ id, tenant, state, endedMs }: Extract<Effect, { type: "runChanged" }>["run"]): void {
    const named = this.tenants.of(tenant);
    if (endedMs === null) {
      if (this.#running.has(id)) return;
      this.#running.add(id);
      this.#counters.runsBegun.add({ tenant: named });
    } else if (this.#running.delete(id)) {
      this.#counters.runsEnded.add({ tenant: named, state });
    }
  }

  #agent(
    agent: Extract<Effect, { type: "agentChanged" }>["agent"],
    before: typeof agent | null,
  ): void {
    if (agent.status === before?.status) return;
    this.#counters.agents.add({ status: agent.status });
  }
}

function labelledHistogram(name: string, help: string): LabelledHistogram {
  return new LabelledHistogram({ name, help }, DURATION_SECONDS);
}

function counters() {
  const counter = (name: string, help: string) =>
    new LabelledCounter({ name: `quorus_${name}`, help });
  return {
    submitted: counter("jobs_submitted", "Jobs that were taken, by tenant."),
    assignments: counter("job_assignments", "Leases that were given, by tenant."),
    ended: counter("jobs_ended", "Jobs that came to an end, by tenant and state."),
    retries: counter("job_retries", "Attempts that failed and are tried again."),
    failures: counter("job_failures", "Attempts that failed, by the code of the error."),
    lostLeases: counter("job_lost_leases", "Leases that ended with their agent."),
    files: counter("files_finished", "Receipts, by outcome and level of verification."),
    bytes: counter("file_bytes", "Bytes of the files with a receipt."),
    fetched: counter("fetched_bytes", "Bytes that last attempts got from their sources."),
    kept: counter("kept_bytes", "Bytes that were kept from earlier attempts."),
    runsBegun: counter("runs_begun", "Runs that were taken, by tenant."),
    runsEnded: counter("runs_ended", "Runs that came to an end, by tenant and state."),
    agents: counter("agent_changes", "Changes of agents' states, by the new one."),
  };
}
