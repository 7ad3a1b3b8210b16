/** What may go wrong in a world, as data: the ranges, and a plan that can be kept, cut down and replayed. */

import type { CrashKind, DelayMs } from "./incarnation.ts";
import type { Direction } from "./network.ts";

/** From the least to the most; what a plan draws lies between, both included. */
export interface FaultRange {
  readonly low: number;
  readonly high: number;
  readonly why: string;
}

/** How bad each fault can be. Rates are probabilities per call, `Ms` are virtual milliseconds. */
export const FAULT_RANGES = {
  gapMs: { low: 200, high: 20_000, why: "between two faults, at full and at no intensity" },
  delayMs: { low: 0.1, high: 3_000, why: "a path's delay, up to seconds" },
  spikeMs: { low: 500, high: 20_000, why: "how long delays stay high" },
  clogMs: { low: 50, high: 5_000, why: "how long a path holds everything back" },
  cutMs: { low: 100, high: 60_000, why: "a partition: shorter and longer than every timeout" },
  downMs: { low: 1, high: 30_000, why: "from a crash to the next life" },
  stopMs: { low: 100, high: 15_000, why: "a stopped process: SIGSTOP, a pause of the collector" },
  slowTurnMs: { low: 0.1, high: 20, why: "what a turn costs on a slow machine" },
  slowMs: { low: 500, high: 20_000, why: "how long a machine is slow" },
  jumpMs: { low: -3_600_000, high: 3_600_000, why: "a wall clock that is set" },
  wallPpm: { low: -1_000, high: 1_000, why: "a wall clock that runs wrong" },
  monotonicPpm: { low: -500, high: 500, why: "a monotonic clock within its limit" },
  diskMs: { low: 500, high: 30_000, why: "how long a disk is bad" },
  readErrorRate: { low: 0, high: 0.1, why: "reads that fail" },
  writeErrorRate: { low: 0, high: 0.1, why: "writes that fail, perhaps in part" },
  syncErrorRate: { low: 0, high: 0.1, why: "syncs that fail" },
  crashWriteErrorRate: { low: 0.8, high: 1, why: "writes that a crash cuts and that are torn" },
  messageLossRate: { low: 0, high: 0.3, why: "messages lost; below the Raft core only" },
} as const satisfies Readonly<Record<string, FaultRange>>;

/** Rates of a bad disk. */
export interface DiskRates {
  readonly readErrorRate: number;
  readonly writeErrorRate: number;
  readonly syncErrorRate: number;
  readonly crashWriteErrorRate: number;
}

/** One fault; those that last say for how long, so that no plan forgets to end them. */
export type Fault =
  | { readonly kind: "cut"; readonly directions: readonly Direction[]; readonly forMs: number }
  | { readonly kind: "clog"; readonly directions: readonly Direction[]; readonly forMs: number }
  | {
    readonly kind: "delay";
    readonly directions: readonly Direction[];
    readonly delayMs: DelayMs;
    readonly forMs: number;
  }
  | { readonly kind: "reset"; readonly between: Direction }
  | {
    readonly kind: "crash";
    readonly node: string;
    readonly crash: CrashKind;
    readonly forMs: number;
  }
  | { readonly kind: "stop"; readonly node: string; readonly forMs: number }
  | {
    readonly kind: "slow";
    readonly node: string;
    readonly turnMs: number;
    readonly forMs: number;
  }
  | { readonly kind: "jump"; readonly node: string; readonly byMs: number }
  | {
    readonly kind: "drift";
    readonly node: string;
    readonly wallPpm: number;
    readonly monotonicPpm: number;
  }
  | {
    readonly kind: "disk";
    readonly node: string;
    readonly rates: DiskRates;
    readonly forMs: number;
  };

/** A fault and when it begins, counted from the plan's begin. */
export type FaultEvent = Fault & { readonly atMs: number };

/** Kinds of faults. */
export type FaultKind = Fault["kind"];

/** All kinds; seeds draw from them in this order. */
export const FAULT_KINDS: readonly FaultKind[] = [
  "cut",
  "clog",
  "delay",
  "reset",
  "crash",
  "stop",
  "slow",
  "jump",
  "drift",
  "disk",
];

/** Faults in the order of their times; JSON keeps all of it. At `durationMs` everything is healed. */
export interface FaultPlan {
  readonly durationMs: number;
  readonly events: readonly FaultEvent[];
}
