/** The bounds of the live feed: what it keeps, how much a slow client may hold, how often it looks. */

import { type LimitTable, type LimitValues, limitValues } from "../../runtime/base/limits.ts";

/** Every bound of the live feed: name, value, unit and why. */
export const LIVE_LIMITS = {
  pullEvents: {
    unit: "count",
    value: 500,
    why: "events of one answer of a controller: some 1 MiB of job views",
  },
  pullMs: {
    unit: "ms",
    value: 30_000,
    why: "a controller that answers no poll by then is given up for another one",
  },
  pullRetryMs: {
    unit: "ms",
    value: 250,
    why: "wait after a failed poll; doubled while all controllers fail, up to pullRetryMostMs",
  },
  pullRetryMostMs: {
    unit: "ms",
    value: 5_000,
    why: "a cluster that comes back is followed again after so long at most",
  },
  ringEvents: {
    unit: "count",
    value: 8_192,
    why: "events that clients who were away, or are slow, still get: shared by all of them",
  },
  ringBytes: {
    unit: "bytes",
    value: 32 * 2 ** 20,
    why: "memory of the same, whatever the size of single events",
  },
  progressMs: {
    unit: "ms",
    value: 500,
    why: "progress of one job is passed on at most this often: people cannot read faster",
  },
  progressJobs: {
    unit: "count",
    value: 100_000,
    why: "jobs whose progress is spaced out; of more, the one heard of longest ago is forgotten",
  },
  pendingProgress: {
    unit: "count",
    value: 256,
    why: "jobs whose newest progress waits for one slow client; more is counted as missed",
  },
  tickMs: {
    unit: "ms",
    value: 50,
    why: "how often slow WebSockets are looked at: they do not say when they have room again",
  },
  clientBufferBytes: {
    unit: "bytes",
    value: 256 * 2 ** 10,
    why: "bytes on their way to one client; above it, it is slow and reads from the ring",
  },
  clientStuckMs: {
    unit: "ms",
    value: 60_000,
    why: "a client that takes nothing for so long is closed: its connection is most likely dead",
  },
  heartbeatMs: {
    unit: "ms",
    value: 15_000,
    why:
      "an idle stream says so often that it is alive: proxies close silent ones after 30 to 60 s",
  },
  sessionMs: {
    unit: "ms",
    value: 15 * 60_000,
    why:
      "a stream ends and is begun again, with its key checked: a revoked key sees no more by then",
  },
  subscribers: {
    unit: "count",
    value: 20_000,
    why: "streams of one gateway; each costs 45 to 50 KiB of memory in sockets and buffers",
  },
  subscribersPerKey: {
    unit: "count",
    value: 1_000,
    why: "streams of one key, so that one dashboard left open everywhere does not shut others out",
  },
  filterValues: {
    unit: "count",
    value: 64,
    why: "values of one filter: every event is compared with them",
  },
  filterValueCharacters: {
    unit: "count",
    value: 256,
    why: "one value of a filter: longer ones name nothing that exists",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type LiveLimits = LimitValues<typeof LIVE_LIMITS>;

/** The defaults, with `overrides` applied. */
export function liveLimits(overrides: Partial<LiveLimits> = {}): LiveLimits {
  return limitValues(LIVE_LIMITS, overrides);
}
