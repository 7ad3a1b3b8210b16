/** Views as JSON, made again only when something in them has changed: the state is never changed in place. */

import type { Run } from "../controller/state.ts";
import type { Board } from "../fleet/board.ts";
import type { Job } from "../job/record.ts";
import { type JobsById, viewJob, viewRun } from "./views.ts";

/** A text, and the values that it was made of. */
interface Made {
  readonly of: readonly unknown[];
  readonly text: string;
}

/** See the file's comment. */
export class ViewTexts {
  readonly #board: Pick<Board, "progress">;
  readonly #most: number;
  /** Those that were made last, oldest first. */
  readonly #made = new Map<string, Made>();

  /** Remembers `most` of them. */
  constructor(board: Pick<Board, "progress">, most: number) {
    this.#board = board;
    this.#most = most;
  }

  /** A job as {@link viewJob} shows it. */
  job(job: Job, run: Run | undefined): string {
    const seen = job.lease === null ? null : this.#board.progress(job.id);
    return this.#text(job.id, [job, run?.plan, seen], () => viewJob(job, run, this.#board));
  }

  /** A run as {@link viewRun} shows it, which counts its jobs. */
  run(run: Run, state: JobsById): string {
    return this.#text(run.id, [run, state.jobs], () => viewRun(run, state));
  }

  #text(id: string, of: readonly unknown[], view: () => unknown): string {
    const known = this.#made.get(id);
    if (known !== undefined && known.of.every((value, at) => value === of[at])) return known.text;
    const text = JSON.stringify(view());
    this.#made.delete(id);
    this.#made.set(id, { of, text });
    if (this.#made.size > this.#most) {
      for (const oldest of this.#made.keys()) {
        this.#made.delete(oldest);
        break;
      }
    }
    return text;
  }
}
