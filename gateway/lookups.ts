/**
 * Questions by id, gathered: what arrives in one turn of the event loop goes to a controller together, as
 * one message that costs one round of the quorum. Each still sees all that was done before it was asked,
 * as nothing joins what has been sent.
 */

import type { LookedUp, Lookups, Principal } from "../actors/desk/messages.ts";
import type { Timers } from "../runtime/env/env.ts";

/** One question. */
export type Look = Pick<Lookups["looks"][number], "kind" | "id">;

/** The state that the answers of one message are of, and why there are none: shared by all of them. */
export type LookedAt = Omit<LookedUp, "looked">;

/** What a question came to. */
export interface Looked {
  /** The view as JSON and its version; null: `read` says why there is none, unless `at.refused` does. */
  readonly one: LookedUp["looked"][number];
  readonly at: LookedAt;
}

type Consistency = Lookups["consistency"];

interface Gathered {
  readonly principals: Map<Principal, number>;
  readonly looks: Lookups["looks"];
  readonly waiting: { resolve(looked: Looked): void; reject(error: unknown): void }[];
}

/** See the file's comment. */
export class GatheredLookups {
  readonly #timers: Pick<Timers, "soon">;
  readonly #most: number;
  readonly #ask: (lookups: Lookups) => Promise<LookedUp>;
  readonly #gathering = new Map<Consistency, Gathered>();

  /** At most `most` questions in one message. */
  constructor(
    timers: Pick<Timers, "soon">,
    most: number,
    ask: (lookups: Lookups) => Promise<LookedUp>,
  ) {
    this.#timers = timers;
    this.#most = most;
    this.#ask = ask;
  }

  /** Rejects as the asking does. */
  look(principal: Principal, consistency: Consistency, { kind, id }: Look): Promise<Looked> {
    const gathered = this.#gathering.get(consistency) ?? this.#gather(consistency);
    let by = gathered.principals.get(principal);
    if (by === undefined) gathered.principals.set(principal, by = gathered.principals.size);
    gathered.looks.push({ by, kind, id });
    return new Promise((resolve, reject) => {
      gathered.waiting.push({ resolve, reject });
      if (gathered.looks.length >= this.#most) this.#send(consistency, gathered);
    });
  }

  #gather(consistency: Consistency): Gathered {
    const gathered: Gathered = { principals: new Map(), looks: [], waiting: [] };
    this.#gathering.set(consistency, gathered);
    this.#timers.soon(() => this.#send(consistency, gathered));
    return gathered;
  }

  #send(consistency: Consistency, gathered: Gathered): void {
    if (this.#gathering.get(consistency) === gathered) this.#gathering.delete(consistency);
    else return; // it was full, and is on its way
    void this.#settle(consistency, gathered);
  }

  async #settle(
    consistency: Consistency,
    { principals, looks, waiting }: Gathered,
  ): Promise<void> {
    try {
      const { looked, ...at } = await this.#ask({
        consistency,
        principals: [...principals.keys()],
        looks,
      });
      waiting.forEach(({ resolve }, place) => resolve({ one: looked[place] ?? null, at }));
    } catch (thrown) {
      for (const { reject } of waiting) reject(thrown);
    }
  }
}
