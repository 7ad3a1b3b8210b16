/** Job records for displays. */

import type { Job, Receipt } from "../../actors/job/record.ts";
import type { Progress } from "../../actors/job/meter.ts";

/** A moment: 2026-01-02T03:04:05Z. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A job of the run `r` with what matters to a display. */
export function job(name: string, state: Job["state"], rest: Partial<Job> = {}): Job {
  return {
    id: `r-${name}`,
    tenant: "default",
    runId: "r",
    spec: {
      name,
      source: {
        uri: `http://h/${name}`,
        headers: {},
        auth: null,
        timeoutMs: null,
        tls: null,
        options: {},
      },
      destination: {
        uri: `file:///out/${encodeURIComponent(name)}`,
        createDirectories: true,
        permissions: null,
        conflict: "overwrite",
        preserveMtime: false,
        root: null,
      },
      validation: { minBytes: null, maxBytes: null, checksum: null, level: "size" },
      retry: {
        maxAttempts: 3,
        backoff: "exponential",
        initialDelayMs: 1,
        maxDelayMs: 1,
        multiplier: 1,
      },
      pipeline: { chunkBytes: 1, windowBytes: 2, parallelRanges: 1, hash: true },
      timeoutMs: null,
    },
    state,
    why: "because",
    intent: "run",
    attempts: 1,
    failures: 0,
    lease: null,
    adoptable: [],
    stale: [],
    progressed: null,
    grant: null,
    error: null,
    receipt: null,
    retryAtMs: null,
    submittedMs: NOW_MS,
    startedMs: NOW_MS,
    endedMs: null,
    version: 1,
    ...rest,
  };
}

/** A receipt for `bytes` that took two seconds. */
export function receipt(name: string, bytes: number, rest: Partial<Receipt> = {}): Receipt {
  return {
    outcome: "published",
    name,
    bytes,
    sha256: "0123456789abcdef".repeat(4),
    root: "",
    level: "size",
    fence: "seize",
    fileId: "1:2",
    fetchedBytes: bytes,
    keptBytes: 0,
    attempts: 1,
    startedMs: NOW_MS - 2_000,
    endedMs: NOW_MS,
    ...rest,
  };
}

/** Progress of a running attempt. */
export function progress(
  doneBytes: number,
  totalBytes: number | null,
  rest: Partial<Progress> = {},
): Progress {
  return {
    phase: "running",
    doneBytes,
    totalBytes,
    fetchedBytes: doneBytes,
    keptBytes: 0,
    bytesPerSecond: 10_000_000,
    etaMs: totalBytes === null ? null : 1_500,
    ...rest,
  };
}
