/** What happens to a run, as the cluster's live feed tells it. */

import type { Job, LiveEvent, Progress, QuorusClient, Run } from "../../client.ts";
import { formatBytes } from "../../runtime/base/units.ts";

const ENDED = ["succeeded", "failed", "cancelled"];

interface Waiting {
  readonly look: () => boolean;
  readonly reject: (error: Error) => void;
}

/** Follows everything that the cluster tells; the demo's cluster has one run. */
export class Story {
  readonly jobs = new Map<string, Job>();
  readonly #progress = new Map<string, Progress>();
  readonly #tell: (line: string) => void;
  readonly #waiting = new Set<Waiting>();
  #over: Error | null = null;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** Resolves once nothing is missed any more; `ended` with the run when that has ended. */
  async open(quorus: QuorusClient, signal: AbortSignal): Promise<{ ended: Promise<Run> }> {
    const opened = Promise.withResolvers<void>();
    const events = quorus.watch({ signal, onOpen: opened.resolve });
    const ended = this.#follow(events);
    ended.catch(() => {}); // it is awaited later
    await Promise.race([opened.promise, ended]);
    return { ended };
  }

  /** The first value that is not null, looked for after each event; rejects when the run ends first. */
  until<T>(what: string, look: () => T | null): Promise<T> {
    const found = Promise.withResolvers<T>();
    const waiting: Waiting = {
      look: () => {
        const value = look();
        if (value !== null) found.resolve(value);
        return value !== null;
      },
      reject: ({ message }) => found.reject(new Error(`waiting for ${what}: ${message}`)),
    };
    if (waiting.look()) return found.promise;
    if (this.#over !== null) waiting.reject(this.#over);
    else this.#waiting.add(waiting);
    return found.promise;
  }

  /** A running job that has so many bytes done, as far as it was told, and as many before it. */
  busy(bytes: number): Job | null {
    for (const [id, { doneBytes, totalBytes }] of this.#progress) {
      const job = this.jobs.get(id);
      const leftBytes = (totalBytes ?? 0) - doneBytes;
      if (job?.state === "running" && doneBytes >= bytes && leftBytes >= bytes) return job;
    }
    return null;
  }

  /** What a job kept from earlier attempts, once it moves new bytes; null before. */
  kept(id: string): number | null {
    const job = this.jobs.get(id);
    if (job?.state === "succeeded") return keptBytesOf(job);
    const progress = this.#progress.get(id);
    return progress?.phase === "running" ? progress.keptBytes : null;
  }

  /** The first job of which an attempt has failed. */
  broken(): Job | null {
    return [...this.jobs.values()].find(({ failures }) => failures > 0) ?? null;
  }

  /** What runs on an agent. */
  runningOn(agent: string): Job[] {
    return [...this.jobs.values()].filter((job) =>
      job.agent === agent && !ENDED.includes(job.state)
    );
  }

  async #follow(events: AsyncGenerator<LiveEvent, void, void>): Promise<Run> {
    try {
      for await (const event of events) {
        if (event.type === "dev.quorus.job.changed") this.#changed(event.data);
        if (event.type === "dev.quorus.job.progress") {
          const { jobId, progress } = event.data;
          // What an attempt says late, when it has failed, is not about the next one.
          if (this.jobs.get(jobId)?.state === "running") this.#progress.set(jobId, progress);
        }
        if (event.type === "dev.quorus.run.changed" && ENDED.includes(event.data.state)) {
          return event.data;
        }
        for (const one of this.#waiting) if (one.look()) this.#waiting.delete(one);
      }
      throw new Error("it was given up");
    } finally {
      this.#over = new Error("the run has ended before");
      for (const { reject } of this.#waiting) reject(this.#over);
      this.#waiting.clear();
    }
  }

  #changed(job: Job): void {
    const before = this.jobs.get(job.id);
    this.jobs.set(job.id, job);
    if (job.state !== "running") this.#progress.delete(job.id);
    if (before?.state === job.state && before.attempts === job.attempts) return;
    const line = lineOf(job);
    if (line !== null) this.#tell(`${job.name}: ${line}`);
  }
}

/** Of the attempts before the last one. */
export function keptBytesOf({ receipt }: Job): number {
  return Number(receipt?.["keptBytes"] ?? 0);
}

/** What a newcomer should read of a change. */
function lineOf(job: Job): string | null {
  switch (job.state) {
    case "running":
      return `runs on ${job.agent}${job.attempts > 1 ? `, attempt ${job.attempts}` : ""}`;
    case "queued":
      return job.attempts === 0 ? null : `waits for another agent: ${job.why}`;
    case "retrying":
    case "failed":
      return `${job.state}: ${job.why}`;
    case "succeeded": {
      const kept = keptBytesOf(job);
      const bytes = formatBytes(Number(job.receipt?.["bytes"]));
      return `succeeded, ${bytes}${kept > 0 ? `, ${formatBytes(kept)} of it kept` : ""}`;
    }
    default:
      return null;
  }
}
