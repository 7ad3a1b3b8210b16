/** Runs of transfers, submitted through the API at a steady pace, and followed to their ends. */

import { ClientError, type Job, type QuorusClient, type Run } from "../../client.ts";
import type { SeededRandom } from "../../runtime/sim/random.ts";
import type { ChaosCluster } from "./cluster.ts";
import { clientOf, pause, type Tries } from "./door.ts";
import type { WantedFile } from "./files.ts";

/** A run that was asked for. */
export interface Submitted {
  readonly files: readonly WantedFile[];
  readonly startedMs: number;
  /** null: not accepted yet. */
  id: string | null;
  acceptedMs: number | null;
}

/** A client tries so long before it gives up: longer than any fault lasts. */
const CALL_MS = 180_000;
const MOST_PER_RUN = 5;
const LOOK_EVERY_MS = 1_000;
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** See the head of this file. */
export class Workload {
  readonly submitted: Submitted[] = [];
  /** Requests that failed in a way that no retry cures. */
  readonly failures: string[] = [];
  readonly #cluster: ChaosCluster;
  readonly #client: QuorusClient;
  readonly #origin: string;
  readonly #groups: readonly (readonly WantedFile[])[];
  readonly #random: SeededRandom;
  readonly #work: Promise<void>[] = [];
  #next = 0;

  constructor(
    cluster: ChaosCluster,
    tries: Tries,
    origin: string,
    files: readonly WantedFile[],
    random: SeededRandom,
  ) {
    this.#cluster = cluster;
    this.#client = clientOf(cluster, tries, {
      callMs: CALL_MS,
      tryMs: 5_000,
      backoffMostMs: 2_000,
    });
    this.#origin = origin;
    this.#random = random;
    this.#groups = grouped(files, random);
  }

  /** Submits runs from now on, evenly over the time, until that share of all was submitted. */
  submit(share: number, withinMs: number): void {
    const startMs = Date.now();
    const groups = this.#groups.slice(this.#next, Math.round(share * this.#groups.length));
    const stepMs = withinMs / Math.max(1, groups.length);
    groups.forEach((files, index) => this.#work.push(this.#later(files, startMs + index * stepMs)));
    this.#next += groups.length;
  }

  /** Waits until all runs have ended; how many have not within the time. */
  async ended(withinMs: number, tell: (line: string) => void): Promise<number> {
    const endMs = Date.now() + withinMs;
    await Promise.all(this.#work);
    for (let last = -1;;) {
      const runs = await this.#read("list runs", () => Array.fromAsync(this.#client.runs.list()));
      const open = (runs ?? []).filter(({ state }) => !ENDED.has(state)).length;
      if (runs !== null && open === 0) return 0;
      if (Date.now() > endMs) return Math.max(1, open);
      if (open !== last) tell(`${open} runs have not ended yet`);
      last = open;
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Everything that the API says of runs and jobs in the end. */
  async results(): Promise<{ readonly runs: readonly Run[]; readonly jobs: readonly Job[] }> {
    const runs = await this.#read("list runs", () => Array.fromAsync(this.#client.runs.list()));
    const jobs = await this.#read("list jobs", () => Array.fromAsync(this.#client.jobs.list()));
    return { runs: runs ?? [], jobs: jobs ?? [] };
  }

  async #later(files: readonly WantedFile[], atMs: number): Promise<void> {
    await pause(atMs - Date.now());
    const one: Submitted = { files, startedMs: Date.now(), id: null, acceptedMs: null };
    this.submitted.push(one);
    const workflow = this.#workflow(files, this.submitted.length);
    const runs = await this.#read("submit", () => this.#client.runs.submit({ workflow }));
    if (runs === null) return;
    if (runs.length !== 1) this.failures.push(`submit: one document made ${runs.length} runs`);
    one.id = runs[0]?.id ?? null;
    one.acceptedMs = Date.now();
  }

  async #read<T>(what: string, call: () => Promise<T>): Promise<T | null> {
    try {
      return await call();
    } catch (thrown) {
      const cure = thrown instanceof ClientError && thrown.retryable
        ? "retried in vain"
        : "for good";
      this.failures.push(`${what}, ${cure}: ${thrown}`);
      return null;
    }
  }

  #workflow(files: readonly WantedFile[], index: number): Record<string, unknown> {
    const transfers = files.map(({ name, sha256 }) => {
      const conflict = this.#random.chance(0.5) ? "fail" : "overwrite";
      const checksum = { checksum: { algorithm: "SHA-256", value: sha256 } };
      return {
        name: name.replace(".bin", ""),
        source: { uri: `${this.#origin}/${name}` },
        destination: { path: `${this.#cluster.volume}/${name}`, conflict },
        ...(this.#random.chance(0.5) ? { validation: checksum } : {}),
      };
    });
    return {
      apiVersion: "quorus.dev/v1",
      kind: "TransferGroup",
      metadata: { name: `chaos-${index}` },
      spec: {
        execution: { strategy: "parallel" },
        // An agent that is cut off from the source may fail often before it is healed.
        defaults: { retry: { maxAttempts: 100, initialDelay: "200ms", maxDelay: "3s" } },
        transfers,
      },
    };
  }
}

function grouped(files: readonly WantedFile[], random: SeededRandom): WantedFile[][] {
  const groups: WantedFile[][] = [];
  for (let at = 0; at < files.length;) {
    const count = random.integer(1, MOST_PER_RUN);
    groups.push(files.slice(at, at + count));
    at += count;
  }
  return groups;
}
