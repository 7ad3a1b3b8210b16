/** What the live feed has told of each job, through all breaks of the stream. */

import { ClientError, type Job, type QuorusClient } from "../../client.ts";
import type { ChaosCluster } from "./cluster.ts";
import { clientOf, pause, type Tries } from "./door.ts";

/** One change of a job. */
export interface JobEvent {
  readonly jobId: string;
  readonly name: string;
  readonly atMs: number;
  readonly state: string;
  readonly agent: string | null;
  readonly attempts: number;
  readonly version: number;
}

const HELD = new Set(["assigned", "running", "verifying", "publishing"]);

/** Whether an agent has the job. */
export function isHeld({ agent, state }: Pick<JobEvent, "agent" | "state">): boolean {
  return agent !== null && HELD.has(state);
}

/** A stream that nobody could open for so long is begun again by us. */
const CALL_MS = 600_000;
const AGAIN_MS = 1_000;

/** See the head of this file. */
export class Feed {
  readonly events: JobEvent[] = [];
  /** How often the stream was lost. */
  lost = 0;
  /** How often it has said that something is missing. */
  missed = 0;
  readonly failures: string[] = [];
  readonly #client: QuorusClient;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #after: string | undefined;

  constructor(cluster: ChaosCluster, tries: Tries) {
    this.#client = clientOf(cluster, tries, { callMs: CALL_MS });
  }

  /** Resolves once the stream stands. */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#loop = this.#follow(resolve);
    await promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  /** The latest that is known of each job. */
  latest(): ReadonlyMap<string, JobEvent> {
    const latest = new Map<string, JobEvent>();
    for (const event of this.events) {
      if ((latest.get(event.jobId)?.version ?? -1) < event.version) latest.set(event.jobId, event);
    }
    return latest;
  }

  async #follow(opened: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const options = {
          types: ["dev.quorus.job.changed" as const, "dev.quorus.missed" as const],
          signal,
          after: this.#after,
          onOpen: opened,
          onLost: () => void (this.lost += 1),
        };
        for await (const event of this.#client.watch(options)) {
          if (event.type === "dev.quorus.missed") this.missed += 1;
          if (event.type !== "dev.quorus.job.changed") continue;
          this.#after = event.id;
          this.#take(event.data, Date.parse(event.time));
        }
      } catch (thrown) {
        const isPassing = thrown instanceof ClientError && thrown.retryable;
        if (!isPassing) this.failures.push(String(thrown));
        await pause(AGAIN_MS, signal);
      }
    }
  }

  #take(job: Job, atMs: number): void {
    const { id: jobId, name, state, agent, attempts, version } = job;
    this.events.push({ jobId, name, atMs, state, agent, attempts, version });
  }
}
