/** Refusals that were said and may not have left yet: a node that closes waits for them. */

import type { Deadlines } from "../actor/deadlines.ts";
import type { RemoteLimits } from "./limits.ts";
import { Alarm } from "./peer_alarm.ts";

/** The sockets of such refusals, until they have ended. */
export class Partings {
  readonly #deadlines: Deadlines;
  readonly #limits: RemoteLimits;
  readonly #open = new Set<Promise<void>>();

  constructor(deadlines: Deadlines, limits: RemoteLimits) {
    this.#deadlines = deadlines;
    this.#limits = limits;
  }

  /** `ended` resolves when the socket has; of very many nobody waits for the last. */
  add(ended: Promise<void>): void {
    if (this.#open.size >= this.#limits.handshakesPending) return;
    this.#open.add(ended);
    ended.then(() => this.#open.delete(ended));
  }

  /** Resolves when all have ended, within `refusalMs`. */
  async wait(): Promise<void> {
    if (this.#open.size === 0) return;
    const bound = Promise.withResolvers<void>();
    const late = new Alarm(this.#deadlines, bound.resolve);
    late.set(this.#limits.refusalMs);
    await Promise.race([Promise.all(this.#open), bound.promise]);
    late.cancel();
  }
}
