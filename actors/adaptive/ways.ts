/**
 * What an agent's thread has learnt about its ways, from one host to another: with that a later transfer
 * begins, or the next attempt of the same one. Kept in memory, and forgotten after a while.
 */

import { limitValues } from "../../runtime/base/limits.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { hostsOf } from "../scheduler/demand.ts";
import { ADAPTIVE_LIMITS, type AdaptiveLimits } from "./limits.ts";
import { type Adaptation, begin, why } from "./state.ts";
import type { Unit } from "./words.ts";

/** What the transfers of a thread do at a time now, and how often that has changed. */
export interface AtOnceCounts {
  readonly files: number;
  readonly ranges: number;
  readonly raised: number;
  readonly lowered: number;
  readonly refused: number;
}

type Known = Pick<
  Adaptation,
  "atOnce" | "stage" | "refusedAt" | "refusedMs" | "refusedForMs"
>;

interface Kept extends Known {
  readonly atMs: number;
}

/** Something that follows its way now. */
interface Follower {
  readonly unit: Unit;
  readonly atOnce: number;
}

/** See the head of this file; one for each thread. */
export class Ways {
  readonly limits: AdaptiveLimits;
  readonly #kept = new Map<string, Kept>();
  readonly #followers = new Set<Follower>();
  readonly #changes = { raised: 0, lowered: 0, refused: 0 };

  constructor(limits: Partial<AdaptiveLimits> = {}) {
    this.limits = limitValues(ADAPTIVE_LIMITS, limits);
  }

  /** With what a transfer begins. */
  begin(way: string, unit: Unit, most: number, nowMs: number): Adaptation {
    const { adaptBeginFiles, adaptBeginRanges, adaptRefusedMostMs } = this.limits;
    const kept = this.#kept.get(keyOf(way, unit));
    const passedMs = nowMs - (kept?.atMs ?? -Infinity);
    if (kept === undefined || passedMs > adaptRefusedMostMs) {
      return begin(most, unit === "files" ? adaptBeginFiles : adaptBeginRanges);
    }
    const { stage, refusedAt, refusedMs, refusedForMs } = kept;
    const known = begin(most, kept.atOnce);
    return {
      ...known,
      why: why("remembered", known.atOnce),
      stage,
      refusedAt,
      refusedMs: Math.max(0, refusedMs - passedMs),
      refusedForMs,
    };
  }

  /** Remembers what a transfer has learnt. */
  keep(way: string, unit: Unit, state: Adaptation, nowMs: number): void {
    const { trial, stage, most, refusedAt, refusedMs, refusedForMs } = state;
    const atOnce = trial?.from ?? state.atOnce;
    const key = keyOf(way, unit);
    this.#kept.delete(key);
    this.#kept.set(key, {
      atOnce,
      // All that this one may have: another may be allowed more.
      stage: atOnce === most && refusedAt === null ? "rising" : stage,
      ...{ refusedAt, refusedMs, refusedForMs, atMs: nowMs },
    });
    if (this.#kept.size <= this.limits.adaptWays) return;
    this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** Counts it until the returned function is called. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** A number has changed. */
  changed(before: Adaptation, after: Adaptation): void {
    if (after.why.cause === "refused") this.#changes.refused += 1;
    else if (after.atOnce > before.atOnce) this.#changes.raised += 1;
    else this.#changes.lowered += 1;
  }

  /** Adds what another thread has changed since it told that the last time. */
  addChanges(now: AtOnceCounts, before: AtOnceCounts | null): void {
    for (const change of ["raised", "lowered", "refused"] as const) {
      this.#changes[change] += now[change] - (before?.[change] ?? 0);
    }
  }

  get counts(): AtOnceCounts {
    const now = { files: 0, ranges: 0 };
    for (const { unit, atOnce } of this.#followers) now[unit] += atOnce;
    return { ...now, ...this.#changes };
  }
}

/** The hosts of a transfer; local files are here. */
export function wayOf(spec: TransferSpec): string {
  const { sourceHost, destinationHost } = hostsOf(spec);
  return `${sourceHost ?? "here"} -> ${destinationHost ?? "here"}`;
}

function keyOf(way: string, unit: Unit): string {
  return `${unit} ${way}`;
}
