/** Follows the events of the cluster: polls one controller, and goes on at another where it fails. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { LiveLimits } from "./limits.ts";
import type { EventPage, EventSource } from "./source.ts";

/** Ids are the same on every controller, so a change of the controller loses and repeats nothing. */
export class Puller {
  readonly #env: Env;
  readonly #sources: () => readonly EventSource[];
  readonly #limits: LiveLimits;
  readonly #stop = new AbortController();
  /** Resolves to null when it is stopped: what a poll brings after that is for nobody. */
  readonly #stopped = Promise.withResolvers<null>();
  #turn = 0;

  constructor(env: Env, sources: () => readonly EventSource[], limits: LiveLimits) {
    this.#env = env;
    this.#sources = sources;
    this.#limits = limits;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends polls and waits. */
  stop(): void {
    this.#stop.abort();
    this.#stopped.resolve(null);
  }

  /** Gives every page to `take`, until it is stopped. */
  async follow(take: (page: EventPage) => void): Promise<void> {
    let after: string | null = null;
    while (!this.isStopped) {
      const page = await this.page(after);
      if (page === null) return;
      after = page.last;
      take(page);
    }
  }

  /** The page after an event, from whichever controller answers; null once it is stopped. */
  async page(after: string | null): Promise<EventPage | null> {
    for (let failures = 0; !this.isStopped; failures += 1) {
      const sources = this.#sources();
      const source = sources[this.#turn % Math.max(1, sources.length)];
      if (source !== undefined) {
        const page = await this.#ask(source, after);
        if (page !== null) return page;
        this.#turn += 1;
      }
      // The first round through all controllers is quick; after it the waits grow.
      await this.#wait(Math.max(0, failures + 1 - sources.length));
    }
    return null;
  }

  async #ask(source: EventSource, after: string | null): Promise<EventPage | null> {
    const { pullEvents, pullMs } = this.#limits;
    try {
      const page = source.pull(after, pullEvents, pullMs, this.#stop.signal);
      return await Promise.race([page, this.#stopped.promise]);
    } catch (thrown) {
      if (!this.isStopped) {
        const facts = { controller: source.name, why: messageOf(thrown) };
        this.#env.log.write("warn", "live feed: a controller tells no events", facts);
      }
      return null;
    }
  }

  #wait(doublings: number): Promise<void> {
    const { pullRetryMs, pullRetryMostMs } = this.#limits;
    const most = Math.min(pullRetryMostMs, pullRetryMs * 2 ** Math.min(doublings, 16));
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    const timer = this.#env.timers.after(most * (0.5 + this.#env.random.next() / 2), resolve);
    const ended = () => {
      timer.cancel();
      resolve();
    };
    signal.addEventListener("abort", ended, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", ended));
  }
}
