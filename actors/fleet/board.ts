/**
 * What a controller knows of agents and attempts beyond the replicated state: heartbeats, links, progress.
 * Written by its `fleet`, read by whoever is on the same node; never replicated, and lost with the node.
 */

import type { Heartbeat } from "../agent/registration.ts";
import type { Progress } from "../job/meter.ts";
import { FleetMeter } from "./meter.ts";

/** The last sign of an agent's life. */
export interface Sign {
  readonly heartbeat: Heartbeat;
  /** The monotonic clock of this node when it came. */
  readonly atMs: number;
}

/** The last that was heard of an attempt. */
export interface Seen {
  readonly progress: Progress;
  readonly atMs: number;
}

/** See the head of this file. */
export class Board {
  readonly meter = new FleetMeter();
  /** Why the leader gives no agents up at the moment; null: it does, or does not lead. */
  heldBack: string | null = null;
  readonly #progressJobs: number;
  readonly #signs = new Map<string, Sign>();
  readonly #downSinceMs = new Map<string, number>();
  readonly #progress = new Map<string, Seen>();
  readonly #watchers = new Set<(jobIds: readonly string[]) => void>();

  /** Keeps the progress of so many jobs. */
  constructor(progressJobs: number) {
    this.#progressJobs = progressJobs;
  }

  /** An agent has been heard of. */
  heard(heartbeat: Heartbeat, atMs: number): void {
    this.meter.heartbeats += 1;
    this.#signs.set(heartbeat.agentId, { heartbeat, atMs });
  }

  /** The last heartbeat; `null` if none has come. */
  sign(agent: string): Sign | null {
    return this.#signs.get(agent) ?? null;
  }

  /** The link to an agent stands. */
  up(agent: string): void {
    this.#downSinceMs.delete(agent);
  }

  /** The link to an agent is lost since then; the first call counts. */
  down(agent: string, sinceMs: number): void {
    if (!this.#downSinceMs.has(agent)) this.#downSinceMs.set(agent, sinceMs);
  }

  /** Since when an agent has had no link; `null` while it has one. */
  downSinceMs(agent: string): number | null {
    return this.#downSinceMs.get(agent) ?? null;
  }

  /** Attempts have told how far they are. */
  progressed(
    jobs: readonly { readonly jobId: string; readonly progress: Progress }[],
    atMs: number,
  ) {
    for (const { jobId, progress } of jobs) {
      this.#progress.delete(jobId);
      this.#progress.set(jobId, { progress, atMs });
    }
    while (this.#progress.size > this.#progressJobs) {
      this.#progress.delete(this.#progress.keys().next().value!);
    }
    for (const watcher of this.#watchers) watcher(jobs.map(({ jobId }) => jobId));
  }

  /** The last progress of a job; `null` if none has come, or it has ended. */
  progress(jobId: string): Seen | null {
    return this.#progress.get(jobId) ?? null;
  }

  /** Tells whose progress has changed; the returned function ends that. */
  watchProgress(watcher: (jobIds: readonly string[]) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}
