/** What the scheduler of a node counts while that node leads. */

import { Histogram } from "../../runtime/telemetry/histogram.ts";
import { counter, gauge, histogram } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import { DURATION_SECONDS } from "../../runtime/telemetry/series.ts";

/** Jobs that wait, by reason. */
type WaitingCounts = ReadonlyMap<string, number>;

/** Counts of one node; they outlive the schedulers that it has, term by term. */
export class SchedulerMeter {
  readonly #passes = new Histogram(DURATION_SECONDS);
  readonly #proposals = new Histogram(DURATION_SECONDS);
  #assigned = 0;
  #refused = 0;
  #waiting: (() => WaitingCounts) | null = null;

  /** A scheduler begins here, and tells why jobs wait; the returned function says that it has ended. */
  begins(waiting: () => WaitingCounts): () => void {
    this.#waiting = waiting;
    return () => {
      if (this.#waiting === waiting) this.#waiting = null;
    };
  }

  /** The policy was asked. */
  passed(tookMs: number, assigned: number): void {
    this.#passes.add(tookMs / 1_000);
    this.#assigned += assigned;
  }

  /** A proposal of assignments was answered. */
  proposed(tookMs: number, isTaken: boolean): void {
    this.#proposals.add(tookMs / 1_000);
    if (!isTaken) this.#refused += 1;
  }

  /** All that was counted. */
  metrics(node: string): Metric[] {
    const one = [{ labels: { node }, of: this }];
    const waiting = [...this.#waiting?.() ?? []].map(([reason, of]) => ({
      labels: { node, reason },
      of,
    }));
    return [
      histogram(
        "quorus_scheduler_pass_seconds",
        "Time of one look at who gets what.",
        one,
        () => this.#passes.data(),
      ),
      histogram(
        "quorus_scheduler_proposal_seconds",
        "From proposing assignments to the group's answer.",
        one,
        () => this.#proposals.data(),
      ),
      counter("quorus_scheduler_assignments", "Assignments proposed.", one, () => this.#assigned),
      counter("quorus_scheduler_refused", "Proposals not taken whole.", one, () => this.#refused),
      gauge("quorus_scheduler_leads", "1 where it runs.", one, () => +(this.#waiting !== null)),
      gauge("quorus_scheduler_waiting_jobs", "Jobs that wait, by reason.", waiting, (of) => of),
    ];
  }
}
