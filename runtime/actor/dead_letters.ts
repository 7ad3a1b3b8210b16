/** Messages that nobody will handle: all counted, some shown. */

import type { Env } from "../env/env.ts";

/** A message that reached nobody. */
export interface DeadLetter {
  readonly address: string;
  readonly tag: string;
  readonly body: unknown;
  readonly reason: DeadLetterReason;
}

/**
 * Why a message reached nobody: its actor has stopped; nobody has that name; a mailbox with policy
 * "drop" was full; its node cannot be reached; another node sent it to a full mailbox, or sent what
 * the protocol does not allow, or what that node may not send.
 */
export type DeadLetterReason =
  | "stopped"
  | "noSuchActor"
  | "dropped"
  | "unreachable"
  | "refused"
  | "badMessage"
  | "notAdmitted";

/** Dead letters since the node started, by reason. */
export type DeadLetterCounts = { readonly [R in DeadLetterReason]: number };

/** Counts dead letters, and shows subscribers a bounded number per second. */
export class DeadLetters {
  readonly #env: Env;
  readonly #perSecond: number;
  readonly #subscribers = new Set<(letter: DeadLetter) => void>();
  readonly #counts = {
    stopped: 0,
    noSuchActor: 0,
    dropped: 0,
    unreachable: 0,
    refused: 0,
    badMessage: 0,
    notAdmitted: 0,
  };
  #count = 0;
  #windowStartMs = -Infinity;
  #shownInWindow = 0;

  constructor(env: Env, perSecond: number) {
    this.#env = env;
    this.#perSecond = perSecond;
  }

  /** All dead letters since the node started. */
  get count(): number {
    return this.#count;
  }

  /** The same by reason. */
  counts(): DeadLetterCounts {
    return { ...this.#counts };
  }

  /** Calls `listener` for each dead letter shown; the returned function ends it. */
  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#subscribers.add(listener);
    return () => void this.#subscribers.delete(listener);
  }

  /** Whether it was shown. @internal */
  add(letter: DeadLetter): boolean {
    this.#count += 1;
    this.#counts[letter.reason] += 1;
    if (!this.#mayShow()) return false;
    const { address, tag, reason } = letter;
    this.#env.log.write("debug", "dead letter", { actor: address, tag, reason });
    for (const listener of [...this.#subscribers]) this.#show(listener, letter);
    return true;
  }

  #show(listener: (letter: DeadLetter) => void, letter: DeadLetter): void {
    try {
      listener(letter);
    } catch (error) {
      this.#subscribers.delete(listener);
      this.#env.log.write("error", "dead letter listener failed and was removed", { error });
    }
  }

  #mayShow(): boolean {
    if (this.#shownInWindow < this.#perSecond) {
      this.#shownInWindow += 1;
      return true;
    }
    const nowMs = this.#env.clock.monotonic();
    if (nowMs - this.#windowStartMs < 1_000) return false;
    this.#windowStartMs = nowMs;
    this.#shownInWindow = 1;
    return true;
  }
}
