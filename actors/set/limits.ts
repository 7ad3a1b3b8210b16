/** The limits of sets of files. All controllers must count alike, so none of them is a setting. */

import type { LimitTable } from "../../runtime/base/limits.ts";

export const SET_LIMITS = {
  setOpenFiles: {
    unit: "count",
    value: 256,
    why:
      "grants of one set that nobody has answered for: what the state keeps of it, and what the " +
      "next attempt probes first",
  },
  setFailures: {
    unit: "count",
    value: 20,
    why: "failed files of one walk that are named; the others are counted",
  },
  setBatchFiles: {
    unit: "count",
    value: 64,
    why: "files of one report: one command of the controllers' log",
  },
  setBatchBytes: {
    unit: "bytes",
    value: 49_152,
    why: "the same in bytes, unless a single file needs more: paths may be long",
  },
  setDepth: {
    unit: "count",
    value: 64,
    why: "directories below each other that are walked; each of them holds a page of names",
  },
  setSortEntries: {
    unit: "count",
    value: 10_000,
    why: "names of one directory that can be put in order; with more of them it has to be none",
  },
  setRecallVersions: {
    unit: "count",
    value: 1_000,
    why: "versions that a ledger is asked for at a time: one page of a listing",
  },
  ledgerEntries: {
    unit: "count",
    value: 1_000_000,
    why: "entries of all ledgers together, 20 bytes each, in the state of every controller",
  },
} as const satisfies LimitTable;
