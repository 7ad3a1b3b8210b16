/** One local subscriber of a topic: its queue, and the loop that gives it what comes. */

import { QuorusError } from "../base/errors.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import { MissedQueue, type Taken } from "./missed_queue.ts";

/**
 * Who subscribes. While a promise that it returned is pending it gets nothing else. What it throws or
 * rejects is logged; a message that it did not take counts as missed, and what it missed is told again
 * after a pause, before anything else.
 */
export interface Subscriber<Body> {
  /** A message, and the node that published it. */
  message(body: Body, publisher: string): void | Promise<void>;
  /** So many messages that would have come here were lost. */
  missed?(count: number): void | Promise<void>;
}

/** A subscription that stands. */
export interface Subscription {
  /** Messages that wait for the subscriber. */
  readonly queued: number;
  /** Messages that it has missed so far. */
  readonly missed: number;
  /** Nothing comes any more. Idempotent. */
  end(): void;
}

/** What a subscriber's loop needs. */
export interface SubscriberWay {
  readonly env: Pick<Env, "timers" | "log">;
  readonly topic: string;
  readonly capacity: number;
  readonly turnMessages: number;
  /** Pause before a subscriber that did not take what it missed is told again. */
  readonly againMs: number;
  /** Runs code outside of whatever handler published. */
  outside(run: () => void): void;
  ended(subscriber: LocalSubscriber): void;
}

interface Item {
  readonly body: unknown;
  readonly publisher: string;
}

/** See the head of this file. */
export class LocalSubscriber implements Subscription {
  readonly #way: SubscriberWay;
  readonly #subscriber: Subscriber<unknown>;
  readonly #queue: MissedQueue<Item>;
  #isBusy = false;
  #hasEnded = false;
  #again: TimerHandle | null = null;

  constructor(way: SubscriberWay, subscriber: Subscriber<unknown>) {
    this.#way = way;
    this.#subscriber = subscriber;
    this.#queue = new MissedQueue(way.capacity);
  }

  get queued(): number {
    return this.#queue.size;
  }
  get missed(): number {
    return this.#queue.missed;
  }

  push(body: unknown, publisher: string): void {
    this.#queue.push({ body, publisher });
    this.#wake();
  }

  /** So many never came to this node. */
  skip(count: number): void {
    this.#queue.skip(count);
    this.#wake();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#again?.cancel();
    this.#queue.clear();
    this.#way.ended(this);
  }

  #wake(): void {
    if (this.#isBusy || this.#hasEnded) return;
    this.#isBusy = true;
    this.#soon();
  }

  #soon(): void {
    this.#way.outside(() => this.#way.env.timers.soon(() => void this.#run()));
  }

  async #run(): Promise<void> {
    for (let turn = 0; turn < this.#way.turnMessages; turn += 1) {
      const next = this.#hasEnded ? null : this.#queue.take();
      if (next === null) {
        this.#isBusy = false;
        return;
      }
      const isTold = next.missed === 0 ||
        await this.#give(() => this.#subscriber.missed?.(next.missed));
      if (!isTold) return this.#tellAgain(next);
      if (!next.hasItem || this.#hasEnded) continue;
      const { body, publisher } = next.item;
      const taken = await this.#give(() => this.#subscriber.message(body, publisher));
      if (!taken) this.#queue.refuse();
    }
    this.#soon();
  }

  /** No message comes before its gap is told. */
  #tellAgain(taken: Taken<Item>): void {
    if (this.#hasEnded) return;
    this.#queue.putBack(taken);
    this.#again = this.#way.env.timers.after(this.#way.againMs, () => this.#soon());
  }

  async #give(call: () => void | Promise<void>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      const { env, topic } = this.#way;
      if (isGone(error)) this.end();
      else env.log.write("warn", "a subscriber did not take a message", { topic, error });
      return false;
    }
  }
}

/** The actor that subscribed is no more. */
function isGone(error: unknown): boolean {
  return error instanceof QuorusError &&
    (error.code === "ActorStopped" || error.code === "NoSuchActor");
}
