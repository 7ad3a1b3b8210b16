/**
 * What commands have brought about, on its way to those who listen on this node: in order, and never
 * before the state that it speaks of is there.
 */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Effect } from "./applied.ts";
import type { Committed, Outbox } from "./machine.ts";

/** Something that has happened to the state of this member. */
export type News =
  /** A command was applied. `isReplay`: it was in the log of this member when it started. */
  | ({ readonly type: "committed"; readonly isReplay: boolean } & Committed)
  /** State comes from a snapshot; effects up to `index` are not told. */
  | { readonly type: "restored"; readonly index: number };

type Listener = (news: readonly News[]) => void;

/** See the head of this file. */
export class NewsBox implements Outbox {
  readonly #env: Pick<Env, "timers" | "log">;
  readonly #listeners = new Set<Listener>();
  #waiting: News[] = [];
  #replayThrough = Infinity;

  constructor(env: Pick<Env, "timers" | "log">) {
    this.#env = env;
  }

  /** Says where the log ended when this member started. */
  started(lastIndex: number): void {
    this.#replayThrough = lastIndex;
  }

  committed(told: Committed): void {
    const isReplay = told.index <= this.#replayThrough;
    this.#waiting.push({ type: "committed", isReplay, ...told });
    // After the slice that applies: who proposed hears of it later still.
    if (this.#waiting.length === 1) void Promise.resolve().then(() => this.#tell());
  }

  restored(index: number): void {
    this.#waiting.push({ type: "restored", index });
    // The state is put in its place some microtasks from now.
    this.#env.timers.soon(() => this.#tell());
  }

  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Effects to be acted on: those of a replay are dropped. */
  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    return this.follow((news) => {
      const effects = news.flatMap((one) =>
        one.type === "committed" && !one.isReplay ? one.effects : []
      );
      if (effects.length > 0) listener(effects);
    });
  }

  #tell(): void {
    const news = this.#waiting;
    if (news.length === 0) return;
    this.#waiting = [];
    for (const listener of this.#listeners) {
      try {
        listener(news);
      } catch (error) {
        const facts = { reason: messageOf(error) };
        this.#env.log.write("error", "a listener of the controllers' group threw", facts);
      }
    }
  }
}
