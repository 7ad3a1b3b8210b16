/**
 * Telling checkpoints to the controllers, so that another agent can go on where this one was lost. They
 * are a convenience: bounded in rate, and nothing waits for them.
 */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Clock } from "../../runtime/env/env.ts";
import type { Fingerprint } from "../../protocols/contract.ts";
import type { ChunkDigests } from "./digests.ts";
import type { Attempt } from "./tools.ts";

/** So many per second at most, and as many at once. */
export class ReportRate {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = perSecond;
    this.#atMs = clock.monotonic();
  }

  /** Takes one, if there is one. */
  take(): boolean {
    const nowMs = this.#clock.monotonic();
    const earned = (nowMs - this.#atMs) / 1_000 * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + earned);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

/** What an attempt's checkpointer is to call after each checkpoint of `temp`. */
export function progressReporter(
  attempt: Attempt,
  fingerprint: Fingerprint,
  temp: string,
): (durable: ChunkDigests) => void {
  const { tools, job, lease } = attempt;
  const { replication, limits, env } = tools;
  if (replication === null || !replication.isShared(job.spec)) return () => {};
  let toldMs = -Infinity;
  let isUnderWay = false;
  return (durable) => {
    const nowMs = env.clock.monotonic();
    // One at a time: with no controller to take them they would pile up for as long as that lasts.
    if (isUnderWay || nowMs - toldMs < limits.replicateMs || !replication.take()) return;
    toldMs = nowMs;
    isUnderWay = true;
    const progressed = {
      leaseIndex: lease.index,
      temp,
      chunkBytes: job.spec.pipeline.chunkBytes,
      chunks: durable.count,
      root: durable.root(env.hash),
      fingerprint,
    };
    const event = { type: "progress", lease, progressed } as const;
    tools.propose({ type: "jobEvent", jobId: job.id, event }).catch((error) =>
      env.log.write("debug", "a checkpoint was not replicated", { why: messageOf(error) })
    ).finally(() => isUnderWay = false);
  };
}
