/** The Workers of one agent that take attempts, and who waits for one; shared by the actors of its node. */

import type { AtOnceCounts } from "../../adaptive/ways.ts";
import { leastLoaded } from "./placing.ts";
import type { WorkerLife } from "./life.ts";
import type { WorkerCounts } from "./messages.ts";

/** A Worker as it is shown. */
export interface WorkerView {
  readonly node: string;
  readonly isUp: boolean;
  /** Attempts that it has. */
  readonly transfers: number;
  /** How often it had to be started again. */
  readonly restarts: number;
}

interface Seat {
  life: WorkerLife | null;
  starts: number;
  counts: WorkerCounts | null;
}

/** See the head of this file. */
export class Roster {
  /** By the ids of their nodes. */
  readonly #seats = new Map<string, Seat>();
  #waiting: (() => void)[] = [];

  /** Its Workers have these ids, whether they are up or not. */
  constructor(ids: readonly string[]) {
    for (const id of ids) this.#seats.set(id, { life: null, starts: 0, counts: null });
  }

  get ids(): readonly string[] {
    return [...this.#seats.keys()];
  }

  /** Of the pipeline buffers of all. */
  get lentBytes(): number {
    return [...this.#seats.values()].reduce((sum, { counts }) => sum + (counts?.lentBytes ?? 0), 0);
  }

  /** Files and ranges at a time, of all. */
  get atOnce(): Pick<AtOnceCounts, "files" | "ranges"> {
    const of = (unit: "files" | "ranges") =>
      [...this.#seats.values()].reduce((sum, { counts }) => sum + (counts?.atOnce[unit] ?? 0), 0);
    return { files: of("files"), ranges: of("ranges") };
  }

  /** A Worker takes attempts from now on, those that have waited first. */
  up(life: WorkerLife): void {
    const seat = this.#seats.get(life.id)!;
    seat.life = life;
    seat.starts += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** It has told what it has done; the counts before of the same life, or null. */
  counted(id: string, counts: WorkerCounts): WorkerCounts | null {
    const seat = this.#seats.get(id)!;
    const before = seat.counts;
    seat.counts = counts;
    return before;
  }

  /** A Worker is gone. */
  down(id: string): void {
    const seat = this.#seats.get(id)!;
    seat.life = null;
    seat.counts = null;
  }

  /** The least loaded one, which has the attempt from now on; waits while there is none. */
  async place(jobId: string, signal: AbortSignal): Promise<WorkerLife> {
    for (;;) {
      signal.throwIfAborted();
      const life = leastLoaded(this.lives());
      if (life !== null) {
        life.took(jobId);
        return life;
      }
      await this.#someone(signal);
    }
  }

  /** Who has an attempt of that job; `null`: none of them. */
  placeOf(jobId: string): WorkerLife | null {
    for (const { life } of this.#seats.values()) {
      if (life?.isUp === true && life.has(jobId)) return life;
    }
    return null;
  }

  /** Those that take attempts. */
  lives(): readonly WorkerLife[] {
    return [...this.#seats.values()].flatMap(({ life }) => life?.isUp === true ? [life] : []);
  }

  /** An attempt is over, wherever it was. */
  finished(jobId: string): void {
    for (const { life } of this.#seats.values()) life?.finished(jobId);
  }

  views(): readonly WorkerView[] {
    return [...this.#seats].map(([node, { life, starts }]) => ({
      node,
      isUp: life?.isUp ?? false,
      transfers: life?.load.attempts ?? 0,
      restarts: Math.max(0, starts - 1),
    }));
  }

  async #someone(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const up = (): void => resolve();
    this.#waiting.push(up);
    signal.addEventListener("abort", up, { once: true });
    await promise;
    signal.removeEventListener("abort", up);
    this.#waiting = this.#waiting.filter((one) => one !== up);
  }
}
