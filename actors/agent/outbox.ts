/**
 * What an agent's attempts have to report, until a controller has answered: an attempt waits for its own
 * report, the courier takes many of them at a time.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { BodyOf } from "../../runtime/actor/protocol.ts";
import type { Fleet } from "../fleet/messages.ts";
import { AgentError } from "./errors.ts";

/** One report of a job. */
export type Reported = BodyOf<typeof Fleet, "report">["events"][number];

interface Item {
  readonly reported: Reported;
  readonly answered: PromiseWithResolvers<readonly string[]>;
}

/** Reports in the order in which they were made. */
export class Outbox {
  #waiting: Item[] = [];
  #underWay: Item[] = [];
  #closed: AgentError | null = null;
  #idle: (() => void)[] = [];
  /** Called when there is something to take. */
  onWork: () => void = () => {};

  get size(): number {
    return this.#waiting.length + this.#underWay.length;
  }

  /**
   * Resolves to why it did not hold, empty if it did, once a controller has answered: which may take as
   * long as there is none. Rejects with `stopped` when the agent stops before.
   */
  report(reported: Reported): Promise<readonly string[]> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const answered = Promise.withResolvers<readonly string[]>();
    this.#waiting.push({ reported, answered });
    if (this.#waiting.length === 1 && this.#underWay.length === 0) this.onWork();
    return answered.promise;
  }

  /** The next reports, the oldest first; those that were taken before and not answered among them. */
  take(most: number): readonly Reported[] {
    const all = [...this.#underWay, ...this.#waiting];
    this.#underWay = all.slice(0, most);
    this.#waiting = all.slice(most);
    return this.#underWay.map(({ reported }) => reported);
  }

  /** The answers to what was taken, in order. */
  answered(refused: readonly (readonly string[])[]): void {
    assert(refused.length === this.#underWay.length, "every report that was taken is answered");
    const items = this.#underWay;
    this.#underWay = [];
    for (const [at, { answered }] of items.entries()) answered.resolve(refused[at] ?? []);
    this.#tellIdle();
  }

  /** Puts the first of what was taken behind all others: it may be what no controller takes. */
  postpone(): void {
    const [first, ...others] = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = others;
    if (first === undefined) return;
    // Reports of one job keep their order.
    const { jobId } = first.reported;
    const same = others.filter(({ reported }) => reported.jobId === jobId);
    const rest = others.filter(({ reported }) => reported.jobId !== jobId);
    this.#waiting = [...rest, first, ...same];
  }

  /** Resolves when everything is answered, or the outbox is closed. */
  whenEmpty(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Rejects what was not answered, and whatever comes later. */
  close(): void {
    if (this.#closed !== null) return;
    const why =
      "the agent stops, and no controller has answered: what was reported may be committed";
    this.#closed = new AgentError("stopped", why, { retryable: true, definite: false });
    const items = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const { answered } of items) answered.reject(this.#closed);
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.size > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
