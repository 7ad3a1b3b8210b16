/**
 * Appends without entries tell how far is committed, and little else. They wait for a moment: an append
 * with entries that follows says it too, and each frame that is not sent is 50 to 100 us at both ends.
 */

import type { Env, TimerHandle } from "../env/env.ts";
import type { MemberId } from "./core/entry.ts";
import type { Append, Message } from "./core/messages.ts";

/** See the head of this file. */
export class CommitNews {
  readonly #timers: Env["timers"];
  readonly #delayMs: number;
  readonly #send: (message: Append) => void;
  /** The newest of each member. */
  readonly #held = new Map<MemberId, Append>();
  #timer: TimerHandle | null = null;

  constructor(timers: Env["timers"], delayMs: number, send: (message: Append) => void) {
    this.#timers = timers;
    this.#delayMs = delayMs;
    this.#send = send;
  }

  /** True if the message is held back; what it says newer than what is held takes its place. */
  holds(message: Message): boolean {
    if (message.type !== "append") return false;
    if (message.entries.length > 0) {
      this.#held.delete(message.to);
      return false;
    }
    this.#held.set(message.to, message);
    this.#timer ??= this.#timers.after(this.#delayMs, () => this.#tell());
    return true;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  #tell(): void {
    this.#timer = null;
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const message of all) this.#send(message);
  }
}
