/** Lists of a cluster as tables; pure. */

import type { Agent, Definition, Job, Run, Tenant } from "../../client.ts";
import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import { type Column, tableLines } from "../show/table.ts";
import type { Paint } from "../show/text.ts";

/** How a kind of thing is listed. */
export interface ListView<T> {
  readonly columns: readonly Column[];
  row(item: T, nowMs: number): readonly string[];
}

/** What is listed in place of nothing, and the table otherwise. */
export function listLines<T>(
  view: ListView<T>,
  items: readonly T[],
  what: string,
  nowMs: number,
  colours: Paint,
): string[] {
  if (items.length === 0) return [`no ${what}`];
  return tableLines(view.columns, items.map((item) => view.row(item, nowMs)), colours);
}

export const JOBS: ListView<Job> = {
  columns: [
    { title: "ID", maxWidth: 72 },
    { title: "NAME", maxWidth: 40 },
    { title: "STATE" },
    { title: "DONE", side: "right" },
    { title: "AGENT", maxWidth: 24 },
    { title: "AGE", side: "right" },
    { title: "WHY", maxWidth: 60 },
  ],
  row: (job, nowMs) => [
    job.id,
    job.name,
    job.state,
    doneText(job),
    job.agent ?? "-",
    age(job.submittedMs, nowMs),
    job.error?.message ?? job.why,
  ],
};

export const RUNS: ListView<Run> = {
  columns: [
    { title: "ID", maxWidth: 72 },
    { title: "NAME", maxWidth: 40 },
    { title: "TENANT", maxWidth: 24 },
    { title: "STATE" },
    { title: "DONE", side: "right" },
    { title: "AGE", side: "right" },
  ],
  row: (run, nowMs) => [
    run.id,
    run.name,
    run.tenant,
    run.state,
    `${run.transfers.succeeded ?? 0}/${transfersOf(run)}`,
    age(run.createdMs, nowMs),
  ],
};

export const TENANTS: ListView<Tenant> = {
  columns: [
    { title: "TENANT", maxWidth: 40 },
    { title: "WEIGHT", side: "right" },
    { title: "RUNNING", side: "right" },
    { title: "WAITING", side: "right" },
    { title: "SUCCEEDED", side: "right" },
    { title: "FAILED", side: "right" },
    { title: "PUBLISHED", side: "right" },
  ],
  row: ({ tenant, settings, running, submitted, waiting, ended, bytes }) => [
    tenant,
    String(settings?.weight ?? 1),
    ofMost(running, settings?.maxConcurrentTransfers ?? null),
    ofMost(submitted + waiting, settings?.maxQueued ?? null),
    String(ended.succeeded ?? 0),
    String(ended.failed ?? 0),
    formatBytes(bytes),
  ],
};

function ofMost(count: number, most: number | null): string {
  return most === null ? String(count) : `${count}/${most}`;
}

export const AGENTS: ListView<Agent> = {
  columns: [
    { title: "ID", maxWidth: 40 },
    { title: "STATUS" },
    { title: "JOBS", side: "right" },
    { title: "SLOTS", side: "right" },
    { title: "PROTOCOLS", maxWidth: 40 },
    { title: "WHERE", maxWidth: 40 },
    { title: "VERSION" },
  ],
  row: ({ id, status, leases, registration: { capabilities, location, version } }) => [
    id,
    status,
    String(leases),
    String(capabilities.maxConcurrentTransfers),
    capabilities.protocols.join(","),
    [location.region, location.zone, location.datacenter].filter((part) => part !== null)
      .join("/") || "-",
    version,
  ],
};

export const DEFINITIONS: ListView<Definition> = {
  columns: [
    { title: "NAME", maxWidth: 60 },
    { title: "TENANT", maxWidth: 24 },
    { title: "VERSION", side: "right" },
    { title: "AGE", side: "right" },
  ],
  row: ({ name, tenant, version, changedMs }, nowMs) => [
    name,
    tenant,
    String(version),
    age(changedMs, nowMs),
  ],
};

/** How many transfers a run has. */
export function transfersOf({ transfers }: Run): number {
  return Object.values(transfers).reduce((sum, count) => sum + count, 0);
}

/** `12.0 MiB/48.0 MiB`, or the size of what has arrived. */
function doneText({ progress, receipt }: Job): string {
  const bytes = receipt?.bytes;
  if (typeof bytes === "number") return formatBytes(bytes);
  if (progress === null) return "-";
  const total = progress.totalBytes === null ? "" : `/${formatBytes(progress.totalBytes)}`;
  return `${formatBytes(progress.doneBytes)}${total}`;
}

function age(fromMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - fromMs);
  const hours = Math.floor(ms / 3_600_000);
  return hours >= 48 ? `${Math.floor(hours / 24)}d` : formatDuration(ms);
}
