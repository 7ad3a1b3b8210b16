/** The report of `deno task chaos`: one JSON line for programs (its schema is here), a table for people. */

import { z } from "zod";
import { FAULT_KINDS } from "./faults.ts";

const count = z.number().int().nonnegative();
const share = z.number().min(0).max(1).nullable();
const spread = z.strictObject({
  count,
  p50: z.number().nullable(),
  p99: z.number().nullable(),
  max: z.number().nullable(),
});

/** One line; times in ms, Unix times in ms. Fields are only ever added. */
export const chaosReport = z.strictObject({
  chaos: z.literal(1),
  ok: z.boolean(),
  seed: count,
  minutes: z.number(),
  startedMs: z.number(),
  tookMs: z.number(),
  /** Why nodes were not cut off; null where they were. */
  withoutPartitions: z.string().nullable(),
  nodes: z.strictObject({ controllers: count, agents: count, gateways: count }),
  transfers: z.strictObject({
    files: count,
    bytes: count,
    runs: count,
    attempts: count,
    /** Kept from earlier attempts and not fetched again, in receipts. */
    keptBytes: count,
    /** Published by an attempt that died before it could say so; a later one has found it. */
    recovered: count,
  }),
  /** The load average over 5 minutes says how much else ran here: starved nodes elect. */
  machine: z.strictObject({ cores: count, load: z.number() }),
  faults: z.array(z.strictObject({
    kind: z.enum(FAULT_KINDS),
    nodes: z.array(z.string()),
    leader: z.string().nullable(),
    startedMs: z.number(),
    endedMs: z.number().nullable(),
  })),
  restarts: z.array(z.strictObject({
    node: z.string(),
    startedMs: z.number(),
    drainedMs: z.number(),
    readyMs: z.number(),
  })),
  /** How single tries of requests ended, by status. */
  tries: z.record(z.string(), count),
  availability: z.strictObject({
    requests: count,
    served: share,
    servedWhileDoorWell: share,
    latencyMs: spread,
  }),
  elections: z.strictObject({ terms: count, unexplained: count }),
  failoverMs: spread,
  reassignedMs: z.strictObject({ elsewhere: spread, undisturbed: spread, resumed: count }),
  submittedMs: spread,
  /** From the end of the faults to the end of the last run; null where not all have ended. */
  settledMs: z.number().nullable(),
  events: z.strictObject({ jobs: count, lost: count, missed: count }),
  violations: z.array(z.strictObject({ promise: z.string(), what: z.string() })),
  /** Where logs were kept; null where they were not. */
  logs: z.string().nullable(),
  command: z.string(),
});

/** See {@link chaosReport}. */
export type ChaosReport = z.infer<typeof chaosReport>;

/** The report for people. */
export function reportText(report: ChaosReport): string {
  const { availability, elections, failoverMs, reassignedMs, transfers } = report;
  const faults = FAULT_KINDS
    .map((kind) => `${report.faults.filter((one) => one.kind === kind).length} ${kind}`)
    .join(", ");
  const rows: readonly (readonly [string, string])[] = [
    ["seed, time", `${report.seed}, ${report.minutes} min (${seconds(report.tookMs)} in all)`],
    ["machine", `${report.machine.cores} cores, load ${report.machine.load.toFixed(1)}`],
    ["faults", faults],
    ["no partitions", report.withoutPartitions ?? ""],
    ["rolling restart", restartsText(report)],
    ["transfers", transfersText(transfers)],
    ["served in 5 s", `${percent(availability.served)} of ${availability.requests} requests`],
    ["  gateway well", percent(availability.servedWhileDoorWell)],
    ["  latency", spreadText(availability.latencyMs)],
    ["tries by status", Object.entries(report.tries).map((one) => one.join(": ")).join(", ")],
    ["elections", `${elections.terms} terms, ${elections.unexplained} without a fault`],
    ["failover", spreadText(failoverMs)],
    ["jobs reassigned", spreadText(reassignedMs.elsewhere)],
    ["  one fault only", spreadText(reassignedMs.undisturbed)],
    ["  kept their agent", String(reassignedMs.resumed)],
    ["runs accepted in", spreadText(report.submittedMs)],
    ["all ended after", report.settledMs === null ? "never" : seconds(report.settledMs)],
    [
      "events",
      `${report.events.jobs} of jobs, stream lost ${report.events.lost} times, ` +
      `${report.events.missed} gaps`,
    ],
  ];
  const lines = rows.filter(([, text]) => text !== "")
    .map(([name, text]) => `  ${name.padEnd(18)} ${text}`);
  return [...lines, "", ...verdict(report), ""].join("\n");
}

function verdict({ violations, logs, command }: ChaosReport): string[] {
  const kept = logs === null ? [] : [`logs: ${logs}`];
  if (violations.length === 0) return ["all promises were kept", ...kept];
  return [
    `${violations.length} violations:`,
    ...violations.map(({ promise, what }) => `  [${promise}] ${what}`),
    ...kept,
    `again: ${command}`,
  ];
}

function transfersText(transfers: ChaosReport["transfers"]): string {
  const { files, bytes, runs, attempts, keptBytes, recovered } = transfers;
  const [size, kept] = [bytes, keptBytes].map((one) => `${(one / 2 ** 20).toFixed(0)} MiB`);
  return `${files} files in ${runs} runs, ${size}, ${attempts} attempts that kept ${kept}` +
    (recovered === 0 ? "" : `, ${recovered} found published`);
}

function restartsText({ restarts }: ChaosReport): string {
  if (restarts.length === 0) return "none";
  const took = Math.max(...restarts.map(({ startedMs, readyMs }) => readyMs - startedMs));
  return `${restarts.length} nodes, ${seconds(took)} for the slowest`;
}

function spreadText({ count, p50, p99, max }: z.infer<typeof spread>): string {
  if (count === 0) return "none";
  return `p50 ${seconds(p50!)}, p99 ${seconds(p99!)}, max ${seconds(max!)} (${count})`;
}

const percent = (share: number | null): string =>
  share === null ? "-" : `${(100 * share).toFixed(2)} %`;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
