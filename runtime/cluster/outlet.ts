/**
 * What one node has published on one topic and another node has not taken yet. One batch is under way
 * at a time; it is lost if it is not taken in time, and the numbers tell the other end how many.
 */

import { QuorusError } from "../base/errors.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import type { ClusterLimits } from "./limits.ts";

/** One batch; `from` is the number of the first item, or of the next one to come. */
export interface Batch {
  readonly from: number;
  readonly items: readonly string[];
}

/** What an outlet needs. */
export interface OutletWay {
  readonly env: Pick<Env, "timers">;
  readonly limits: ClusterLimits;
  /** Number of the last message that was published. */
  published(): number;
  /** Brings a batch to the other node; says whether that still wants it. */
  deliver(batch: Batch, signal: AbortSignal): Promise<boolean>;
  /** The other node does not want it any more. */
  unwanted(outlet: Outlet): void;
}

/** See the head of this file. */
export class Outlet {
  readonly life: string;
  readonly term: number;
  #link = -1;
  readonly #way: OutletWay;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  /** The other end must hear where the stream stands, even if nothing waits. */
  #owesPlace = false;
  #isOpen = false;
  #underWay: AbortController | null = null;
  #pause: TimerHandle | null = null;

  constructor(way: OutletWay, life: string, term: number) {
    this.#way = way;
    this.life = life;
    this.term = term;
  }

  get queued(): number {
    return this.#waiting.length;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** Messages that were lost here. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The other node listens, over the link of that number. */
  open(link: number): void {
    if (this.#isOpen && this.#link === link) return;
    this.#isOpen = true;
    this.#link = link;
    this.#owesPlace = true;
    // What was under way on the link before may never arrive, and nobody would say so.
    this.#stop();
    this.#pump();
  }

  /** The other node cannot be reached: nothing is kept for it, only counted. */
  close(): void {
    this.#isOpen = false;
    this.#stop();
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** The message after the last one. */
  push(text: string): void {
    if (!this.#isOpen) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(text);
    this.#bytes += text.length;
    const { outletMessages, outletBytes } = this.#way.limits;
    while (this.#waiting.length > outletMessages || this.#bytes > outletBytes) {
      this.#bytes -= this.#waiting.shift()!.length;
      this.#dropped += 1;
    }
    this.#pump();
  }

  #stop(): void {
    this.#pause?.cancel();
    this.#pause = null;
    this.#underWay?.abort();
    this.#underWay = null;
  }

  #pump(): void {
    const hasWork = this.#owesPlace || this.#waiting.length > 0;
    if (!this.#isOpen || !hasWork || this.#underWay !== null || this.#pause !== null) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    this.#owesPlace = false;
    const settled = (after: () => void): void => {
      if (this.#underWay !== underWay) return;
      this.#underWay = null;
      after();
    };
    this.#way.deliver(this.#batch(), underWay.signal).then(
      (wanted) => settled(() => wanted ? this.#pump() : this.#way.unwanted(this)),
      (error) => settled(() => this.#failed(error)),
    );
  }

  #batch(): Batch {
    const { deliverMessages, deliverBytes } = this.#way.limits;
    const from = this.#way.published() - this.#waiting.length + 1;
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && count < deliverMessages) {
      const next = this.#waiting[count]!.length;
      if (count > 0 && bytes + next > deliverBytes) break;
      bytes += next;
      count += 1;
    }
    this.#bytes -= bytes;
    return { from, items: this.#waiting.splice(0, count) };
  }

  /** A node that is gone says anew what it wants when it is back; any other one hears what it missed. */
  #failed(error: unknown): void {
    const isGone = error instanceof QuorusError &&
      (error.code === "Unreachable" || error.code === "NoSuchActor");
    if (isGone) return this.close();
    this.#owesPlace = true;
    this.#pause = this.#way.env.timers.after(this.#way.limits.announceAgainMs, () => {
      this.#pause = null;
      this.#pump();
    });
  }
}
