/** The numbers by which a transfer finds out how much at a time its way bears. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";

export const ADAPTIVE_LIMITS = {
  adaptMs: {
    unit: "ms",
    value: 250,
    why: "what was moved is looked at this often: a set of some seconds is to gain by it too",
  },
  adaptMostMs: {
    unit: "ms",
    value: 5_000,
    why: "on a slow way a look waits so long for one file, or 64 KiB, of each place",
  },
  adaptFileBytes: {
    unit: "bytes",
    value: 65_536,
    why: "a file counts as so many bytes beside its own: its round trips take as long as these",
  },
  adaptPauseLooks: {
    unit: "count",
    value: 32,
    why: "looks between two tries of another number that have brought nothing: 8 s at least",
  },
  adaptRefusedPercent: {
    unit: "count",
    value: 5,
    why: "fewer of a hundred may be refused for another reason than their number",
  },
  adaptRefusedMs: {
    unit: "ms",
    value: 30_000,
    why: "a number that was refused is not tried again for so long; doubles with each time",
  },
  adaptRefusedMostMs: {
    unit: "ms",
    value: 600_000,
    why: "the longest of these times, and how long a way is remembered",
  },
  adaptBeginFiles: {
    unit: "count",
    value: 16,
    why:
      "files at a time with which a set begins on a way that is not known, doubled as it pays: fewer would " +
      "cost small sets their time, and whom a host refuses has another turn",
  },
  adaptBeginRanges: {
    unit: "count",
    value: 4,
    why: "the same of ranges of one file, which need a chunk of memory each",
  },
  adaptWays: {
    unit: "count",
    value: 256,
    why: "ways (from one host to another) that an agent remembers; the oldest is forgotten",
  },
  refusedTurns: {
    unit: "count",
    value: 5,
    why: "turns of a file that its host refuses as too much, before it counts as failed",
  },
  refusedPauseMs: {
    unit: "ms",
    value: 500,
    why: "before such a file has its next turn; doubles with each",
  },
  refusedPauseMostMs: {
    unit: "ms",
    value: 60_000,
    why: "a host that asks for more patience than this is left to the job's retry policy",
  },
  refusedRanges: {
    unit: "count",
    value: 64,
    why: "ranges of one file that may be refused and given back before its attempt fails",
  },
} as const satisfies LimitTable;

/** The numbers of {@link ADAPTIVE_LIMITS}. */
export type AdaptiveLimits = LimitValues<typeof ADAPTIVE_LIMITS>;
