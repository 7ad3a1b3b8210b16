/** Follows one embedded run: from its feed and its state to a board and a display. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Node } from "../../runtime/actor/node.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Clock } from "../../runtime/env/env.ts";
import type { Embedded } from "../../actors/embedded.ts";
import { JobFeed } from "../../actors/job/messages.ts";
import type { Progress } from "../../actors/job/meter.ts";
import type { Job } from "../../actors/job/record.ts";
import type { Run } from "../../actors/controller/state.ts";
import { cliLimits } from "../limits.ts";
import { Board } from "../show/board.ts";
import type { Display } from "./display.ts";

interface Listener {
  changed(jobs: readonly Job[]): void;
  progressed(jobId: string, progress: Progress): void;
}

/** Passes the feed on; what is lost in a full mailbox is read from the state at the end. */
const follower = actor(JobFeed, {
  mailbox: { capacity: 65_536, full: "drop" },
  state: (args: { listener: Listener }) => args.listener,
  on: {
    changed: (listener, { jobs }) => listener.changed(jobs),
    progress: (listener, { jobId, progress }) => listener.progressed(jobId, progress),
  },
});

/** See the file's comment. */
export class Follower {
  readonly #display: Display;
  readonly #clock: Clock;
  readonly #names = new Map<string, string>();
  #embedded: Embedded | null = null;
  #board = new Board([]);
  #runId = "";
  #skipsSeen = 0;
  #lookedMs = -Infinity;
  #idle: (() => void) | null = null;

  constructor(display: Display, clock: Clock) {
    this.#display = display;
    this.#clock = clock;
  }

  get board(): Board {
    return this.#board;
  }

  /** The feed to start the run with. */
  feed(node: Node): Ref<typeof JobFeed> {
    return node.spawn(follower, { name: "display", args: { listener: this } });
  }

  /** The run has been started; what the feed told before this is in its state. */
  begin(embedded: Embedded, runId: string): void {
    this.#embedded = embedded;
    this.#runId = runId;
    const { plan } = this.#run();
    this.#board = new Board(plan.transfers.map(({ name }) => name));
    for (const job of this.#jobs()) {
      this.#names.set(job.id, job.spec.name);
      this.#board.change(job, this.#clock.now());
    }
    for (const [name, { why, failed }] of this.#run().skipped) this.#board.skip(name, why, failed);
    this.#skipsSeen = this.#run().skipped.size;
    const { resumed } = embedded;
    const { succeeded, transfers } = this.#board.totals();
    this.#display.begin({ runId, name: plan.name, transfers, resumed, succeeded }, this.#board);
  }

  /** Takes the last of everything from the state. */
  finish(): void {
    this.changed(this.#jobs());
    this.#takeSkips();
  }

  /** Resolves when no attempt is under way; at once if none is. */
  idle(): Promise<void> {
    if (this.#board.active().length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle = resolve);
  }

  changed(jobs: readonly Job[]): void {
    if (this.#embedded === null) return;
    for (const job of jobs) {
      this.#names.set(job.id, job.spec.name);
      const known = this.#board.row(job.spec.name);
      const { before, after } = this.#board.change(job, this.#clock.now());
      const isNews = known?.jobId !== job.id || before.state !== after.state ||
        before.attempts !== after.attempts || before.why !== after.why;
      if (isNews) this.#display.changed(before, after);
    }
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lookedMs >= cliLimits.redrawMs) {
      this.#lookedMs = nowMs;
      this.#takeSkips();
    }
    if (this.#idle !== null && this.#board.active().length === 0) this.#idle();
  }

  progressed(jobId: string, progress: Progress): void {
    const name = this.#names.get(jobId);
    if (name === undefined) return;
    const before = this.#board.row(name);
    const after = this.#board.observe(name, progress);
    if (after !== null) this.#display.progressed(before, after);
  }

  /** Transfers that never become jobs are in the run's record only. */
  #takeSkips(): void {
    const { skipped } = this.#run();
    if (skipped.size === this.#skipsSeen) return;
    this.#skipsSeen = skipped.size;
    for (const [name, { why, failed }] of skipped) {
      const before = this.#board.row(name);
      const after = this.#board.skip(name, why, failed);
      if (before !== undefined && after !== null) this.#display.changed(before, after);
    }
  }

  #run(): Run {
    const run = this.#embedded?.state.runs.get(this.#runId);
    if (run === undefined) throw new TypeError(`no run ${this.#runId} in the state`);
    return run;
  }

  /** Of this run, in the order of its transfers. */
  #jobs(): Job[] {
    const { plan, jobs } = this.#run();
    const all = this.#embedded?.state.jobs;
    return plan.transfers.map(({ name }) => all?.get(jobs.get(name) ?? ""))
      .filter((job) => job !== undefined);
  }
}
