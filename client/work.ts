/** What runs and jobs have in common: looked at, listed, and told what to do. */

import type { z } from "zod";
import {
  type ActionOptions,
  type Endpoint,
  type Listing,
  type ListOptions,
  type Page,
  type ReadOptions,
  reason,
} from "./endpoint.ts";
import { type Accepted, accepted } from "./schemas.ts";
import { segment } from "./transport.ts";

/** Which of them. */
export interface WorkListOptions extends ListOptions {
  readonly states?: readonly string[] | undefined;
  /** `tier=gold, zone in (a, b), urgent`. */
  readonly labels?: string | undefined;
}

/** See the file's comment. */
export abstract class WorkCalls<T, Options extends WorkListOptions> {
  readonly #endpoint: Endpoint;
  readonly #noun: "run" | "job";
  readonly #item: z.ZodType<T>;

  constructor(endpoint: Endpoint, noun: "run" | "job", item: z.ZodType<T>) {
    this.#endpoint = endpoint;
    this.#noun = noun;
    this.#item = item;
  }

  get(id: string, options: ReadOptions = {}): Promise<T> {
    return this.#endpoint.get(`get ${this.#noun} ${id}`, this.path(id), this.#item, options);
  }

  /** One page. */
  page(options: Options = {} as Options): Promise<Page<T>> {
    return this.#endpoint.page(this.#listing(options), options);
  }

  /** All of them, those of the archive too, the newest first; asked for page after page. */
  list(options: Options = {} as Options): AsyncGenerator<T, void, void> {
    return this.#endpoint.each(this.#listing(options), options);
  }

  /** Stops at the next chunk and keeps checkpoints; of a run, all its jobs. */
  pause(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("pause", id, options);
  }

  /** Lets a paused one go on. */
  resume(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("resume", id, options);
  }

  /** Ends it, a run with all its jobs; what is published stays. */
  cancel(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("cancel", id, options);
  }

  /**
   * Lets a job go on that waits; what has ended without success is tried again as a new run, whose place
   * `href` names. Of a run, what has succeeded is kept.
   */
  retry(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("retry", id, options);
  }

  /** Where one of them is. */
  protected path(id: string): string {
    return `/v1/${this.#noun}s/${segment(id)}`;
  }

  #act(action: string, id: string, options: ActionOptions): Promise<Accepted> {
    const what = `${action} ${this.#noun} ${id}`;
    const path = `${this.path(id)}/${action}`;
    return this.#endpoint.post(what, path, reason(options), accepted, options);
  }

  #listing({ states, labels, ...rest }: Options): Listing<T> {
    const { run } = rest as { readonly run?: string };
    const query = { run, state: states?.join(","), labels };
    return { action: `list ${this.#noun}s`, path: `/v1/${this.#noun}s`, item: this.#item, query };
  }
}
