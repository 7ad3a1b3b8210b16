/** What an agent counts of its attempts: which are under way, and what they have reported. */

import {
  DURATION_SECONDS,
  LabelledCounter,
  LabelledHistogram,
  LabelValues,
} from "../../runtime/telemetry/series.ts";
import { Histogram } from "../../runtime/telemetry/histogram.ts";
import { histogram } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import { Ways as KnownWays } from "../adaptive/ways.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import type { Job, Receipt } from "../job/record.ts";

/** From where to where, by transfer protocols. */
type Ways = Readonly<Record<"source" | "destination", string>>;

interface UnderWay {
  readonly ways: Ways;
  phase: "opening" | "running" | "verifying" | "publishing";
}

/** Bounds of a transfer's mean rate: 100 kB/s to 5 GB/s. */
const BYTES_PER_SECOND = [1e5, 1e6, 5e6, 1e7, 5e7, 1e8, 2.5e8, 5e8, 1e9, 2e9, 5e9];

/** See the head of this file. */
export class AgentMeter {
  readonly #underWay = new Map<string, UnderWay>();
  readonly #schemes = new LabelValues();
  readonly #codes = new LabelValues();
  readonly #tenants = new LabelValues();
  readonly #counters = counters();
  readonly #seconds = new LabelledHistogram({
    name: "quorus_transfer_duration_seconds",
    help: "From the beginning of a last attempt to its receipt.",
  }, DURATION_SECONDS);
  readonly #rates = new LabelledHistogram({
    name: "quorus_transfer_bytes_per_second",
    help: "Mean rate of a last attempt, bytes that were kept aside.",
  }, BYTES_PER_SECOND);
  readonly #checkpoints = new LabelledHistogram({
    name: "quorus_checkpoint_save_seconds",
    help: "Time until a checkpoint was durable, by how that went.",
  }, DURATION_SECONDS);

  /** What this thread has learnt about how much at a time is best. */
  readonly ways = new KnownWays();

  /** How long chunks took, in seconds, those of Workers among them. */
  readonly chunks = new Histogram(DURATION_SECONDS);

  /** An attempt begins. */
  began({ id, tenant, spec }: Job): void {
    const source = this.#schemes.of(schemeOf(spec.source.uri));
    const destination = this.#schemes.of(schemeOf(spec.destination.uri));
    const ways = { source, destination };
    this.#underWay.set(id, { ways, phase: "opening" });
    this.#counters.begun.add({ tenant: this.#tenants.of(tenant), ...ways });
  }

  /** An attempt is gone, however it ended. */
  ended(jobId: string): void {
    this.#underWay.delete(jobId);
  }

  /** An attempt has something to report: it may do so more than once, this is called once. */
  reported(jobId: string, event: JobEvent): void {
    const known = this.#underWay.get(jobId);
    const ways = known?.ways ?? { source: "unknown", destination: "unknown" };
    const counters = this.#counters;
    switch (event.type) {
      case "phase":
        if (known !== undefined) known.phase = event.phase;
        return;
      case "grant":
        if (known !== undefined) known.phase = "publishing";
        return;
      case "succeed":
        return this.#succeeded(ways, event.receipt);
      case "fail":
        counters.ended.add({ ...ways, outcome: event.retryAtMs === null ? "failed" : "retried" });
        return counters.errors.add({ code: this.#codes.of(event.error.code) });
      case "ambiguous":
        return counters.ended.add({ ...ways, outcome: "ambiguous" });
      case "release":
        return counters.ended.add({ ...ways, outcome: "released" });
      case "progress":
        return counters.replicated.add({});
    }
  }

  /** A checkpoint was saved, or could not be. */
  saved(tookMs: number, outcome: "durable" | "failed"): void {
    this.#checkpoints.add({ outcome }, tookMs / 1_000);
  }

  /** All that was counted. */
  metrics(node: string): Metric[] {
    const active = new Map<string, { ways: Ways; phase: string; value: number }>();
    for (const { ways, phase } of this.#underWay.values()) {
      const key = `${ways.source} ${ways.destination} ${phase}`;
      const group = active.get(key) ?? { ways, phase, value: 0 };
      active.set(key, group);
      group.value += 1;
    }
    return [
      {
        name: "quorus_transfers_active",
        help: "Attempts under way, by transfer protocols and phase.",
        type: "gauge",
        samples: [...active.values()].map(({ ways, phase, value }) => {
          return { labels: { node, ...ways, phase }, value };
        }),
      },
      ...Object.values(this.#counters).map((counter) => counter.metric(node)),
      this.#seconds.metric(node),
      this.#rates.metric(node),
      this.#checkpoints.metric(node),
      histogram(
        "quorus_transfer_chunk_seconds",
        "From the first read of a chunk to the end of its last write.",
        [{ labels: { node }, of: this.chunks }],
        (chunks) => chunks.data(),
      ),
    ];
  }

  #succeeded(ways: Ways, receipt: Receipt): void {
    const { outcome, level, fetchedBytes, keptBytes, startedMs, endedMs } = receipt;
    const counters = this.#counters;
    counters.ended.add({ ...ways, outcome });
    counters.verified.add({ level });
    counters.fetched.add(ways, fetchedBytes);
    counters.kept.add(ways, keptBytes);
    const seconds = Math.max(0, endedMs - startedMs) / 1_000;
    this.#seconds.add(ways, seconds);
    if (fetchedBytes > 0 && seconds > 0) this.#rates.add(ways, fetchedBytes / seconds);
  }
}

function schemeOf(uri: string): string {
  return uri.slice(0, Math.max(0, uri.indexOf(":"))).toLowerCase() || "unknown";
}

function counters() {
  const counter = (name: string, help: string) =>
    new LabelledCounter({ name: `quorus_transfer_${name}`, help });
  return {
    begun: counter("attempts", "Attempts that were begun here, by tenant and protocols."),
    ended: counter("attempts_ended", "Attempts by protocols and how they ended."),
    errors: counter("errors", "Attempts that failed, by the code of the error."),
    verified: counter("verifications", "Finished files by the level that was reached."),
    fetched: counter("fetched_bytes", "Bytes that last attempts got from their sources."),
    kept: counter("kept_bytes", "Bytes that were kept from earlier attempts."),
    replicated: counter("replicated_checkpoints", "Checkpoints that controllers were told."),
  };
}
