/**
 * One thing by its id, as HTTP: the way that clients which follow their work ask again and again. The view
 * comes as JSON from the controller and is passed on with its freshness behind it.
 */

import type { Call } from "./api.ts";
import { etagMatches, freshnessOf, refusal } from "./answers.ts";
import type { Consistency } from "./door.ts";
import type { Gateway } from "./gateway.ts";
import type { Look, LookedAt } from "./lookups.ts";
import { Reply } from "./reply.ts";

/** How fresh the answers of one message are, in the two forms that an answer needs. */
interface Freshness {
  readonly at: LookedAt;
  readonly consistency: Consistency;
  /** Ends a JSON object. */
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Looks things up for one route. */
export class Looker {
  readonly #gateway: Pick<Gateway, "door" | "env">;
  /** Answers of one message are made one after the other: it is worked out once for them. */
  #freshness: Freshness | null = null;

  constructor(gateway: Pick<Gateway, "door" | "env">) {
    this.#gateway = gateway;
  }

  /** The answer; null where `read` has to say what it is. Problem where no controller answers. */
  async look<P, Q>(
    { principal, request, trace }: Pick<Call<P, Q>, "principal" | "request" | "trace">,
    consistency: Consistency,
    look: Look,
  ): Promise<Reply | null> {
    // What is asked together belongs to no trace.
    if (trace !== undefined) return null;
    const { one, at } = await this.#gateway.door.look(principal, consistency, look);
    if (at.refused !== null) throw refusal(at.refused, "read");
    if (one === null) return null;
    const { text, headers } = this.#fresh(at, consistency);
    const etag = `W/"${one.version}"`;
    const known = request.headers.get("if-none-match");
    if (known !== null && etagMatches(known, etag)) {
      return new Reply(304, null, { ...headers, etag });
    }
    const type = { "content-type": "application/json" };
    return new Reply(200, one.text.slice(0, -1) + text, { ...type, ...headers, etag });
  }

  #fresh(at: LookedAt, consistency: Consistency): Freshness {
    const known = this.#freshness;
    if (known !== null && known.at === at && known.consistency === consistency) return known;
    const { freshness, headers } = freshnessOf(at, consistency, this.#gateway.env.clock.now());
    const text = `,"freshness":${JSON.stringify(freshness)}}`;
    return this.#freshness = { at, consistency, text, headers };
  }
}
