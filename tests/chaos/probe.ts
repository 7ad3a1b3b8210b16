/** Somebody who looks at the cluster all the time: whether it answers, who leads, for how long nobody. */

import { ClientError, type QuorusClient } from "../../client.ts";
import type { ChaosCluster } from "./cluster.ts";
import { clientOf, pause, type Tries } from "./door.ts";

/** One request, with its retries. */
export interface Probed {
  readonly startedMs: number;
  readonly endedMs: number;
  /** What it has said; null where it failed. */
  readonly seen: { readonly leader: string | null; readonly term: number } | null;
  readonly error: string | null;
}

/** A request that succeeds within this, with retries, counts as served. */
export const SERVED_WITHIN_MS = 5_000;
/** A stopped gateway takes connections and says nothing: each try must end. */
const TRY_MS = 1_500;
const EVERY_MS = 250;
const AT_MOST_TOGETHER = 24;

/** See the head of this file. */
export class Probe {
  readonly probed: Probed[] = [];
  readonly #client: QuorusClient;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #last: Probed["seen"] = null;

  readonly #tell: (line: string) => void;

  constructor(cluster: ChaosCluster, tries: Tries, tell: (line: string) => void) {
    this.#tell = tell;
    const limits = { callMs: SERVED_WITHIN_MS, tryMs: TRY_MS, backoffMostMs: 500 };
    this.#client = clientOf(cluster, tries, limits);
  }

  /** Who was seen to lead last. */
  get leader(): string | null {
    return this.#last?.leader ?? null;
  }

  start(): void {
    this.#loop = this.#work();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#running.size < AT_MOST_TOGETHER) {
        const one = this.#probe();
        this.#running.add(one);
        void one.finally(() => this.#running.delete(one));
      }
      await pause(EVERY_MS, this.#stop.signal);
    }
  }

  async #probe(): Promise<void> {
    const startedMs = Date.now();
    let [seen, error]: [Probed["seen"], string | null] = [null, null];
    try {
      const { leader, term } = await this.#client.cluster.get();
      seen = { leader, term };
      this.#see(seen);
    } catch (thrown) {
      error = thrown instanceof ClientError && thrown.retryable ? thrown.code : String(thrown);
    }
    this.probed.push({ startedMs, endedMs: Date.now(), seen, error });
  }

  #see(seen: NonNullable<Probed["seen"]>): void {
    if (this.#last !== null && this.#last.term > seen.term) return;
    const isNew = this.#last?.term !== seen.term && seen.leader !== null;
    this.#last = seen;
    if (isNew) this.#tell(`${seen.leader} leads (term ${seen.term})`);
  }
}
