/** Follows one run of a cluster to its end, from the live feed to a board and a display. */

import type { Job, LiveEvent, Run } from "../../client.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { Display } from "../run/display.ts";
import { Board } from "../show/board.ts";
import { type Report, reportOf } from "../show/report.ts";
import { transfersOf } from "./lists.ts";
import type { Remote } from "./session.ts";
import { shownJob } from "./shown_job.ts";

/** What came of a run that was followed. */
export interface Followed {
  readonly report: Report;
  readonly exitCode: ExitCode;
}

/** Shows a run until it has ended, or somebody is tired of it; the run does not mind. */
export async function followRun(
  remote: Remote,
  runId: string,
  display: Display,
): Promise<Followed> {
  const board = new Board([]);
  try {
    const run = await new RunFollower(remote, runId, display, board).follow();
    const report = reportOf(factsOf(run), board);
    display.ended(report);
    const exitCode = report.state === "interrupted"
      ? EXIT.interrupted
      : report.state === "succeeded" && report.failed === 0
      ? EXIT.ok
      : EXIT.failed;
    return { report, exitCode };
  } finally {
    display.close();
  }
}

function factsOf(run: Run) {
  const { id, name, state, why, createdMs, endedMs } = run;
  const ended = state === "succeeded" || state === "failed" || state === "cancelled";
  return {
    runId: id,
    name,
    state: ended ? state : "interrupted",
    why: ended ? why : "it goes on in the cluster",
    resumed: false,
    durationMs: Math.max(0, (endedMs ?? createdMs) - createdMs),
  } as const;
}

class RunFollower {
  readonly #remote: Remote;
  readonly #runId: string;
  readonly #display: Display;
  readonly #board: Board;
  readonly #names = new Map<string, string>();

  constructor(remote: Remote, runId: string, display: Display, board: Board) {
    this.#remote = remote;
    this.#runId = runId;
    this.#display = display;
    this.#board = board;
  }

  /** The run as it was at last. */
  async follow(): Promise<Run> {
    const { quorus, signal } = this.#remote;
    const opened = Promise.withResolvers<void>();
    const enough = new AbortController();
    const events = quorus.watch({
      runs: [this.#runId],
      signal: AbortSignal.any([signal, enough.signal]),
      onOpen: () => opened.resolve(),
      onLost: (error) => this.#display.note(`${error.message}; going on as soon as it can be`),
    });
    let next = events.next();
    try {
      // What happens from now on is told: what is read after this is not older.
      await Promise.race([opened.promise, next]);
      let run = await this.#begin();
      while (run.state === "running") {
        const { value: event, done } = await next;
        if (done) return run;
        next = events.next();
        run = await this.#take(event, run);
      }
      if (!signal.aborted) run = await this.#readAll();
      return run;
    } finally {
      next.catch(() => {});
      // Whoever waits for the next event would wait for it first.
      enough.abort();
      await events.return();
    }
  }

  async #begin(): Promise<Run> {
    const run = await this.#readAll();
    const transfers = transfersOf(run);
    const { succeeded } = this.#board.totals();
    const heading = { runId: run.id, name: run.name, transfers, resumed: false, succeeded };
    this.#display.begin(heading, this.#board);
    return run;
  }

  async #take(event: LiveEvent, run: Run): Promise<Run> {
    switch (event.type) {
      case "dev.quorus.job.changed":
        this.#changed(event.data, true);
        return run;
      case "dev.quorus.job.progress": {
        const name = this.#names.get(event.data.jobId);
        const before = name === undefined ? undefined : this.#board.row(name);
        const after = name === undefined ? null : this.#board.observe(name, event.data.progress);
        if (after !== null) this.#display.progressed(before, after);
        return run;
      }
      case "dev.quorus.run.changed":
        return event.data;
      case "dev.quorus.missed":
        return await this.#readAll();
      default:
        return run;
    }
  }

  /** Reads everything anew: at the beginning, at the end, and where events were missed. */
  async #readAll(): Promise<Run> {
    const { quorus, signal } = this.#remote;
    const run = await quorus.runs.get(this.#runId, { signal });
    const isNews = this.#names.size > 0;
    for await (const job of quorus.jobs.list({ run: this.#runId, limit: 1_000, signal })) {
      this.#changed(job, isNews);
    }
    for (const { name, why, failed } of run.skipped) this.#board.skip(name, why, failed);
    return run;
  }

  #changed(job: Job, isTold: boolean): void {
    this.#names.set(job.id, job.name);
    const known = this.#board.row(job.name);
    const { before, after } = this.#board.change(shownJob(job), this.#remote.env.clock.now());
    const isNews = known === undefined || before.state !== after.state ||
      before.attempts !== after.attempts || before.why !== after.why;
    if (isNews && isTold) this.#display.changed(before, after);
    if (job.progress === null) return;
    const observed = this.#board.observe(job.name, job.progress);
    if (observed !== null && isTold) this.#display.progressed(after, observed);
  }
}
