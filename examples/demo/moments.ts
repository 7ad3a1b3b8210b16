/** What happened when, since the demo's run was submitted. */

/** Tells each line with its time, and keeps those that the table shows. */
export class Moments {
  readonly #startedMs = performance.now();
  readonly #kept: { readonly atMs: number; readonly text: string }[] = [];

  get nowMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** A line of progress. */
  tell(text: string): void {
    console.log(line(this.nowMs, text));
  }

  /** A line for the table. */
  keep(text: string): void {
    this.#kept.push({ atMs: this.nowMs, text });
  }

  /** Both. */
  mark(text: string): void {
    this.tell(text);
    this.keep(text);
  }

  print(): void {
    console.log("\nWhat happened when:\n");
    for (const { atMs, text } of this.#kept) console.log(line(atMs, text));
  }
}

function line(atMs: number, text: string): string {
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${text}`;
}
