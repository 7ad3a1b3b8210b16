/** Calls whose answers are checked, and lists as pages or one by one. */

import type { z } from "zod";
import { ClientError } from "./errors.ts";
import { pageOf } from "./schemas.ts";
import type { Answered, Call, CallOptions, QueryValue, Transport } from "./transport.ts";

/** How fresh an answer has to be; default `linearizable`. */
export interface ReadOptions extends CallOptions {
  /** `stale`: whatever the controller knows that is asked, also without a quorum. */
  readonly consistency?: "linearizable" | "stale" | undefined;
}

/** A page of a list, or all of it. */
export interface ListOptions extends ReadOptions {
  /** Items of one page. */
  readonly limit?: number | undefined;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
}

/** A write for which a reason is kept. */
export interface ActionOptions extends CallOptions {
  /** Why, for people. */
  readonly why?: string | undefined;
}

/** One page, which may be short; `next` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  /** The controller that has answered has not got all of the archive: some of it may be missing. */
  readonly incomplete?: boolean | undefined;
}

/** A list: where it is and how its items look. */
export interface Listing<T> {
  readonly action: string;
  readonly path: string;
  readonly item: z.ZodType<T>;
  readonly query?: Readonly<Record<string, QueryValue>>;
}

/** See the file's comment. */
export class Endpoint {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The answer as it is. */
  raw(call: Call, options: CallOptions): Promise<Answered> {
    return this.#transport.call(call, options);
  }

  /** The answer as its schema has it; ClientError `bad-answer` where it is another. */
  async call<T>(call: Call, schema: z.ZodType<T>, options: CallOptions): Promise<T> {
    const { status, text } = await this.#transport.call(call, options);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw badAnswer(call.action, status, "it is no JSON", cause);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw badAnswer(call.action, status, `${where}: ${issue?.message ?? ""}`, parsed.error);
  }

  /** Looks one thing up. */
  get<T>(action: string, path: string, schema: z.ZodType<T>, options: ReadOptions): Promise<T> {
    const query = { consistency: options.consistency };
    return this.call({ action, method: "GET", path, query }, schema, options);
  }

  /** Sends JSON. */
  post<T>(
    action: string,
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    options: CallOptions,
  ): Promise<T> {
    return this.call({ action, method: "POST", path, body: JSON.stringify(body) }, schema, options);
  }

  /** One page of a list. */
  page<T>(listing: Listing<T>, options: ListOptions): Promise<Page<T>> {
    const { action, path, item, query } = listing;
    const { consistency, limit, cursor } = options;
    const all = { ...query, consistency, limit, cursor };
    return this.call({ action, method: "GET", path, query: all }, pageOf(item), options);
  }

  /** All items of a list, page after page as they are asked for. */
  async *each<T>(listing: Listing<T>, options: ListOptions): AsyncGenerator<T, void, void> {
    let { cursor } = options;
    for (;;) {
      const { items, next } = await this.page(listing, { ...options, cursor });
      yield* items;
      if (next === null) return;
      // A list that never moves on would never end.
      if (next === cursor) throw badAnswer(listing.action, 200, "the cursor repeats", null);
      cursor = next;
    }
  }
}

/** The body of a write with a reason. */
export function reason({ why }: ActionOptions): Readonly<Record<string, string>> {
  return why === undefined ? {} : { why };
}

function badAnswer(action: string, status: number, why: string, cause: unknown): ClientError {
  return new ClientError("bad-answer", `${action}: the answer is not as described: ${why}`, {
    status,
    definite: false,
    cause,
  });
}
