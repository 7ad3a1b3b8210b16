/**
 * How many transfers a host is given at a time, as it bears them: one more after as many successes as it
 * has places, half as many after a failure that looks like too much (AIMD; Chiu and Jain, 1989). Soft
 * state of the leader: another one begins with what the settings say. Pure.
 */

import { isCongested } from "../adaptive/congestion.ts";
import type { Job } from "../job/record.ts";
import { hostsOf } from "./demand.ts";

/** Which end a host is. */
export type HostSide = "source" | "destination";

/** Why a host is given fewer than the settings allow. */
export interface HostCap {
  readonly most: number;
  /** The failure that has halved it last. */
  readonly code: string;
  readonly atMs: number;
}

/** The bounds of its arithmetic. */
export interface HostCapLimits {
  /** Failures of one moment have one cause: after a halving others are passed over so long. */
  readonly hostCapSettleMs: number;
  /** Without a failure for so long a host is as good as new. */
  readonly hostCapForgetMs: number;
}

interface Kept extends HostCap {
  /** Successes since the last place that was added. */
  readonly successes: number;
}

/** The caps of all hosts; those that are not in it have what the settings say. */
export class HostCaps {
  readonly #limits: HostCapLimits;
  readonly #kept = new Map<string, Kept>();

  constructor(limits: HostCapLimits) {
    this.#limits = limits;
  }

  /** The cap of a host that is given fewer than the settings say. */
  of(host: string, side: HostSide): HostCap | null {
    return this.#kept.get(keyOf(host, side)) ?? null;
  }

  /**
   * An attempt has ended; `running`: transfers of each of its hosts while it ran, itself among them;
   * `most`: what the settings say. What has changed is told, for the log.
   */
  ended(
    job: Pick<Job, "spec" | "error" | "receipt">,
    running: (host: string, side: HostSide) => number,
    most: number,
    nowMs: number,
  ): readonly { readonly host: string; readonly side: HostSide; readonly cap: HostCap | null }[] {
    const { sourceHost, destinationHost } = hostsOf(job.spec);
    const ends = [[sourceHost, "source"], [destinationHost, "destination"]] as const;
    return ends.flatMap(([host, side]) => {
      if (host === null) return [];
      const before = this.of(host, side);
      this.#note(keyOf(host, side), job, running(host, side), most, nowMs);
      const cap = this.of(host, side);
      return cap?.most === before?.most ? [] : [{ host, side, cap }];
    });
  }

  #note(
    key: string,
    { error, receipt }: Pick<Job, "error" | "receipt">,
    running: number,
    most: number,
    nowMs: number,
  ): void {
    const kept = this.#kept.get(key);
    if (receipt !== null) {
      if (kept !== undefined) this.#succeeded(key, kept, most, nowMs);
    } else if (error !== null && isCongested(error.code)) {
      const isSettling = kept !== undefined &&
        nowMs - kept.atMs < this.#limits.hostCapSettleMs;
      if (isSettling) return;
      const had = Math.min(kept?.most ?? most, running);
      const half = Math.max(1, Math.floor(had / 2));
      this.#kept.set(key, { most: half, code: error.code, atMs: nowMs, successes: 0 });
    }
  }

  #succeeded(key: string, kept: Kept, most: number, nowMs: number): void {
    const isLongAgo = nowMs - kept.atMs > this.#limits.hostCapForgetMs;
    const isNext = kept.successes + 1 >= kept.most;
    const next = isNext
      ? { ...kept, most: kept.most + 1, successes: 0 }
      : { ...kept, successes: kept.successes + 1 };
    if (isLongAgo || next.most >= most) this.#kept.delete(key);
    else this.#kept.set(key, next);
  }
}

function keyOf(host: string, side: HostSide): string {
  return `${side} ${host}`;
}
