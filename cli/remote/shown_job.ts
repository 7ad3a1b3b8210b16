/** A job as a gateway tells it, as a board shows it; pure. */

import { z } from "zod";
import type { Job } from "../../client.ts";
import type { JobState } from "../../actors/job/record.ts";
import type { ShownJob } from "../show/board.ts";

const STATES: ReadonlySet<string> = new Set<JobState>([
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
]);

const receipt = z.object({
  outcome: z.enum(["published", "skipped", "recovered"]),
  name: z.string(),
  bytes: z.number(),
  sha256: z.string().nullable(),
  root: z.string().nullable(),
  level: z.enum(["none", "size", "source", "reread"]),
  fence: z.string(),
  fileId: z.string().nullable(),
  fetchedBytes: z.number(),
  keptBytes: z.number(),
  copiedBytes: z.number().optional(),
  streamedBecause: z.string().optional(),
  attempts: z.number(),
  startedMs: z.number(),
  endedMs: z.number(),
  files: z.object({
    files: z.number(),
    unchanged: z.number(),
    left: z.number(),
    failed: z.number(),
    deleted: z.number(),
    settled: z.number(),
  }).optional(),
});

/** The job for a board; a state that is newer than this program counts as running. */
export function shownJob(job: Job): ShownJob {
  const { id, state, why, attempts, error, name, destination } = job;
  const parsed = receipt.safeParse(job.receipt);
  return {
    id,
    state: STATES.has(state) ? state as JobState : "running",
    why,
    attempts,
    retryAtMs: null,
    error,
    receipt: parsed.success ? parsed.data : null,
    spec: { name, destination: { uri: destination } },
  };
}
