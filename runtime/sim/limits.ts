/** The bounds of the simulation. */

import type { LimitTable } from "../base/limits.ts";
import { KIB } from "../base/units.ts";

/** Every bound of `runtime/sim`. */
export const SIM_LIMITS = {
  events: {
    unit: "count",
    value: 5_000_000,
    why: "events of one call of run, settle or complete; more means that something never rests",
  },
  traceLines: {
    unit: "count",
    value: 20_000,
    why: "trace lines kept for reading (the last ones); the hash covers all",
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
} as const satisfies LimitTable;
