/** `/v1/runs`: executions of workflows. */

import {
  type ActionOptions,
  type Endpoint,
  type ListOptions,
  type Page,
  type ReadOptions,
  reason,
} from "./endpoint.ts";
import { type Accepted, accepted, type Run, run, startedRuns } from "./schemas.ts";
import type { Submission } from "./submission.ts";
import { type CallOptions, segment } from "./transport.ts";

/** Which runs. */
export interface RunListOptions extends ListOptions {
  readonly states?: readonly string[] | undefined;
  /** `tier=gold, zone in (a, b), urgent`. */
  readonly labels?: string | undefined;
}

/** A run that was started. */
export interface StartedRun {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  /** Number of its transfers. */
  readonly transfers: number;
  readonly href: string;
}

/** See the file's comment. */
export class RunCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /**
   * Starts the workflows of a file, one run for each document, all checked before the first one starts.
   * When this resolves no run is lost any more. Repeated with the same `idempotencyKey` it starts nothing
   * twice.
   */
  async submit(submission: Submission, options: CallOptions = {}): Promise<readonly StartedRun[]> {
    const action = "submit a workflow";
    return (await this.#endpoint.post(action, "/v1/runs", submission, startedRuns, options)).runs;
  }

  get(id: string, options: ReadOptions = {}): Promise<Run> {
    return this.#endpoint.get(`get run ${id}`, `/v1/runs/${segment(id)}`, run, options);
  }

  /** One page. */
  page(options: RunListOptions = {}): Promise<Page<Run>> {
    return this.#endpoint.page(listing(options), options);
  }

  /** All runs, page after page. */
  list(options: RunListOptions = {}): AsyncGenerator<Run, void, void> {
    return this.#endpoint.each(listing(options), options);
  }

  /** Pauses all its jobs. */
  pause(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("pause", id, options);
  }

  /** Lets a paused one go on. */
  resume(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("resume", id, options);
  }

  /** Ends it and all its jobs; what is published stays. */
  cancel(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("cancel", id, options);
  }

  #act(action: string, id: string, options: ActionOptions): Promise<Accepted> {
    const path = `/v1/runs/${segment(id)}/${action}`;
    return this.#endpoint.post(`${action} run ${id}`, path, reason(options), accepted, options);
  }
}

function listing({ states, labels }: RunListOptions) {
  const query = { state: states?.join(","), labels };
  return { action: "list runs", path: "/v1/runs", item: run, query };
}
