/**
 * What `--json` writes: one JSON object per line. The schema is published as
 * `cli/schema/run-events.schema.json`; within version 1 fields are added, never changed or removed.
 */

import { z } from "zod";
import { type Board, publishedUri, type Row } from "./board.ts";
import { rateOf } from "./plain.ts";
import type { Report } from "./report.ts";

const at = z.iso.datetime().meta({ description: "when it was seen, UTC" });
const bytes = z.int().min(0);
const state = z.enum([
  "waiting",
  "submitted",
  "queued",
  "assigned",
  "running",
  "verifying",
  "publishing",
  "succeeded",
  "retrying",
  "paused",
  "cancelled",
  "failed",
  "unknown",
  "skipped",
]);

const head = { v: z.literal(1), at, runId: z.string() };

const receipt = z.strictObject({
  outcome: z.enum(["published", "skipped", "recovered"]),
  uri: z.string().nullable().meta({ description: "where the file was published" }),
  bytes,
  fetchedBytes: bytes.meta({ description: "got from the source by the last attempt" }),
  keptBytes: bytes.meta({ description: "kept from earlier attempts" }),
  copiedBytes: bytes.optional().meta({
    description: "copied by the service itself: none of them passed through an agent",
  }),
  streamedBecause: z.string().optional().meta({
    description: "why the service of both ends has not copied by itself",
  }),
  sha256: z.string().nullable(),
  verified: z.enum(["none", "size", "source", "reread"]),
  fence: z.string(),
  durationMs: z.number().min(0),
  bytesPerSecond: z.number().min(0).nullable(),
  files: z.strictObject({
    files: z.int().meta({ description: "copied since the job was submitted" }),
    unchanged: z.int().meta({ description: "at their destination already" }),
    left: z.int().meta({ description: "not selected, not complete yet, or gone" }),
    failed: z.int(),
    deleted: z.int().meta({ description: "deleted from the destination by mirror" }),
    settled: z.int().meta({ description: "source files deleted or moved after their receipt" }),
  }).optional().meta({ description: "of a set of files; bytes are those of all of them" }),
});

const runCreated = z.strictObject({
  ...head,
  type: z.literal("run.created"),
  name: z.string(),
  transfers: z.int(),
  resumed: z.boolean().meta({ description: "an unfinished run is gone on with" }),
});

const jobChanged = z.strictObject({
  ...head,
  type: z.literal("job.changed"),
  jobId: z.string().nullable().meta({ description: "null for a transfer that never was a job" }),
  name: z.string(),
  state,
  why: z.string(),
  attempts: z.int(),
  retryAt: z.iso.datetime().nullable(),
  error: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() })
    .nullable(),
  receipt: receipt.nullable(),
});

const jobProgress = z.strictObject({
  ...head,
  type: z.literal("job.progress"),
  jobId: z.string(),
  name: z.string(),
  phase: z.enum(["opening", "keeping", "running", "verifying", "publishing"]),
  doneBytes: bytes,
  totalBytes: bytes.nullable(),
  fetchedBytes: bytes,
  keptBytes: bytes,
  copiedBytes: bytes.optional(),
  bytesPerSecond: z.number().min(0),
  etaMs: z.number().min(0).nullable(),
  files: z.strictObject({ copied: z.int(), unchanged: z.int(), failed: z.int() }).optional().meta({
    description: "of a set of files, in this walk",
  }),
  atOnce: z.strictObject({
    count: z.int().min(1),
    most: z.int().min(1).meta({ description: "as declared" }),
    of: z.enum(["files", "ranges"]),
    why: z.string(),
  }).optional().meta({ description: "how many files or ranges at a time, and why" }),
});

const log = z.strictObject({
  ...head,
  runId: z.string().nullable(),
  type: z.literal("log"),
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

const runEnded = z.strictObject({
  ...head,
  type: z.literal("run.ended"),
  name: z.string(),
  state: z.enum(["succeeded", "failed", "cancelled", "interrupted"]),
  why: z.string(),
  succeeded: z.int(),
  failed: z.int(),
  skipped: z.int(),
  bytes,
  keptBytes: bytes,
  durationMs: z.number().min(0),
});

/** One line. */
export const runEvent = z.discriminatedUnion("type", [
  runCreated,
  jobChanged,
  jobProgress,
  log,
  runEnded,
]).meta({ title: "One line of quorus run --json" });
export type RunEvent = z.infer<typeof runEvent>;

/** The published JSON Schema of {@link runEvent}. */
export function runEventsSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(runEvent, { target: "draft-2020-12" }),
    $id: "https://quorus.dev/schema/v1/run-events.schema.json",
  };
}

/** When and of which run. */
export interface EventHead {
  readonly atMs: number;
  readonly runId: string;
}

function headOf({ atMs, runId }: EventHead): { v: 1; at: string; runId: string } {
  return { v: 1, at: isoTime(atMs), runId };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A run begins, or is gone on with. */
export function createdEvent(
  head: EventHead,
  run: { name: string; transfers: number; resumed: boolean },
): RunEvent {
  const { name, transfers, resumed } = run;
  return { type: "run.created", ...headOf(head), name, transfers, resumed };
}

/** A transfer has changed. */
export function changedEvent(head: EventHead, row: Row): RunEvent {
  const { jobId, name, state, why, attempts, retryAtMs, error } = row;
  return {
    type: "job.changed",
    ...headOf(head),
    jobId,
    name,
    state,
    why,
    attempts,
    retryAt: retryAtMs === null ? null : isoTime(retryAtMs),
    error: error === null
      ? null
      : { code: error.code, message: error.message, retryable: error.retryable },
    receipt: receiptOf(row),
  };
}

function receiptOf(row: Row): z.infer<typeof jobChanged>["receipt"] {
  const { receipt } = row;
  if (receipt === null) return null;
  const { outcome, bytes, fetchedBytes, keptBytes, sha256, level, fence } = receipt;
  const { copiedBytes, streamedBecause } = receipt;
  return {
    outcome,
    uri: publishedUri(row),
    bytes,
    fetchedBytes,
    keptBytes,
    ...(copiedBytes === undefined ? {} : { copiedBytes }),
    ...(streamedBecause === undefined ? {} : { streamedBecause }),
    sha256,
    verified: level,
    fence,
    durationMs: Math.max(0, receipt.endedMs - receipt.startedMs),
    bytesPerSecond: rateOf(row),
    ...(receipt.files === undefined ? {} : { files: receipt.files }),
  };
}

/** An attempt has moved on; `null` for a transfer without one. */
export function progressEvent(head: EventHead, row: Row): RunEvent | null {
  const { progress, jobId, name } = row;
  if (progress === null || jobId === null) return null;
  return { type: "job.progress", ...headOf(head), jobId, name, ...progress };
}

/** A log record, such as what `notify` says. */
export function logEvent(
  head: { atMs: number; runId: string | null },
  level: "debug" | "info" | "warn" | "error",
  message: string,
  facts: Readonly<Record<string, unknown>>,
): RunEvent {
  const plain = JSON.parse(JSON.stringify(facts, plainValue)) as Record<string, unknown>;
  return {
    type: "log",
    v: 1,
    at: isoTime(head.atMs),
    runId: head.runId,
    level,
    message,
    facts: plain,
  };
}

function plainValue(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === "bigint" ? String(value) : value;
}

/** A run has ended, or was interrupted. */
export function endedEvent(head: EventHead, report: Report): RunEvent {
  const { name, state, why, succeeded, failed, skipped, bytes, keptBytes, durationMs } = report;
  return {
    type: "run.ended",
    ...headOf(head),
    name,
    state,
    why,
    succeeded,
    failed,
    skipped,
    bytes,
    keptBytes,
    durationMs,
  };
}

/** What a follower who comes late is told first. */
export function* boardEvents(head: EventHead, board: Board): Iterable<RunEvent> {
  for (const row of board.rows()) if (row.state !== "waiting") yield changedEvent(head, row);
}
