/** Whose progress has changed since somebody asked last: each change once, the latest only. */

/** Numbers every change; a job that changes again takes a new number and loses its old one. */
export class ProgressNews {
  readonly #most: number;
  readonly #changes = new Map<string, number>();
  #last = 0;

  /** Remembers so many jobs. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The number of the last change. */
  get last(): number {
    return this.#last;
  }

  /** The progress of these jobs has changed. */
  take(jobIds: readonly string[]): void {
    for (const jobId of jobIds) {
      this.#changes.delete(jobId);
      this.#changes.set(jobId, this.#last += 1);
    }
    while (this.#changes.size > this.#most) {
      this.#changes.delete(this.#changes.keys().next().value!);
    }
  }

  /** The jobs whose progress has changed after `number`, and the number to ask after next. */
  since(number: number, limit: number): { jobIds: string[]; last: number } {
    const jobIds: string[] = [];
    let last = number;
    for (const [jobId, at] of this.#changes) {
      if (at <= number) continue;
      if (jobIds.length === limit) return { jobIds, last };
      jobIds.push(jobId);
      last = at;
    }
    return { jobIds, last: this.#last };
  }
}
