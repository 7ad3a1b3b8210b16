/** The bounds of the simulation. */

import type { LimitTable } from "../base/limits.ts";
import { KIB, MIB } from "../base/units.ts";

/** Every bound of `runtime/sim`. */
export const SIM_LIMITS = {
  events: {
    unit: "count",
    value: 5_000_000,
    why: "events of one call of run, settle or complete; more means that something never rests",
  },
  batch: {
    unit: "count",
    value: 64,
    why:
      "events in one turn of the real event loop, so that it can end a test or take an interrupt",
  },
  traceLines: {
    unit: "count",
    value: 2_000,
    why:
      "trace lines kept for reading (the last ones); the hash covers all, a replay may keep more",
  },
  labels: {
    unit: "count",
    value: 256,
    why: "labels of a process's events that are kept as they stand in the trace",
  },
  logRecords: {
    unit: "count",
    value: 20_000,
    why: "log records kept for the test (the last ones)",
  },
  sectorBytes: { unit: "bytes", value: 4 * KIB, why: "what the simulated disk writes at once" },
  symlinks: { unit: "count", value: 40, why: "links followed in one path, as in Linux" },
  nameBytes: { unit: "bytes", value: 255, why: "the longest file name, as in Linux" },
  kvMutations: { unit: "count", value: 1_000, why: "changes of one commit, as in Deno KV" },
  kvChecks: { unit: "count", value: 100, why: "conditions of one commit, as in Deno KV" },
  kvCommitBytes: { unit: "bytes", value: 819_200, why: "bytes of one commit, as in Deno KV" },
  kvValueBytes: { unit: "bytes", value: 64 * KIB, why: "bytes of one value, as in Deno KV" },
  kvKeyBytes: { unit: "bytes", value: 2 * KIB, why: "bytes of one key, as in Deno KV" },
  kvListPage: { unit: "count", value: 100, why: "entries that a listing reads at one moment" },
  monotonicDriftPpm: {
    unit: "count",
    value: 500,
    why: "parts per million that a monotonic clock may be off: what a system slews at most",
  },
  windowBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why:
      "bytes of one direction of a connection under way or not read yet; what is more waits at the sender",
  },
  bytesPerMs: { unit: "bytes", value: 100_000, why: "what a path carries in a millisecond" },
  connectMs: {
    unit: "ms",
    value: 127_000,
    why: "how long a connection is tried when nothing answers, as in Linux (tcp_syn_retries 6)",
  },
  firstRetryMs: {
    unit: "ms",
    value: 1_000,
    why: "the first wait before a connection is tried again; each next one is twice as long",
  },
  giveUpMs: {
    unit: "ms",
    value: 924_600,
    why: "how long a kernel sends again before it gives a connection up (tcp_retries2 15)",
  },
  resendMs: {
    unit: "ms",
    value: 3_000,
    why: "the longest wait until what a healed path had held is sent again",
  },
  closeMs: {
    unit: "ms",
    value: 30_000,
    why: "how long a socket waits for the other end's goodbye, as in ws",
  },
  firstFreePort: { unit: "count", value: 49_152, why: "the first port that port 0 may give" },
  workerFrameBytes: { unit: "bytes", value: 16 * MIB, why: "the longest frame of a Worker's port" },
  workerLowBytes: { unit: "bytes", value: 128 * KIB, why: "where a Worker's port says drained" },
  closeReasonBytes: { unit: "bytes", value: 123, why: "bytes of a reason (RFC 6455, section 5.5)" },
  acknowledgements: {
    unit: "count",
    value: 64,
    why: "confirmations under way in one direction that are kept apart",
  },
} as const satisfies LimitTable;
