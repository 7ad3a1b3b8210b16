/** `/v1/jobs`: single transfers and what becomes of them. */

import {
  type ActionOptions,
  type Endpoint,
  type ListOptions,
  type Page,
  type ReadOptions,
  reason,
} from "./endpoint.ts";
import { type Accepted, accepted, explanation, type Job, job, startedJob } from "./schemas.ts";
import type { Submission } from "./submission.ts";
import { type CallOptions, segment } from "./transport.ts";

/** Which jobs. */
export interface JobListOptions extends ListOptions {
  readonly run?: string | undefined;
  readonly states?: readonly string[] | undefined;
  /** `tier=gold, zone in (a, b), urgent`. */
  readonly labels?: string | undefined;
}

/** A job that was submitted. */
export interface StartedJob {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly tenant: string;
  readonly href: string;
}

/** See the file's comment. */
export class JobCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Submits one document of kind Transfer; when this resolves the job is not lost any more. */
  submit(submission: Submission, options: CallOptions = {}): Promise<StartedJob> {
    return this.#endpoint.post("submit a job", "/v1/jobs", submission, startedJob, options);
  }

  get(id: string, options: ReadOptions = {}): Promise<Job> {
    return this.#endpoint.get(`get job ${id}`, `/v1/jobs/${segment(id)}`, job, options);
  }

  /** One page. */
  page(options: JobListOptions = {}): Promise<Page<Job>> {
    return this.#endpoint.page(listing(options), options);
  }

  /** All jobs, page after page. */
  list(options: JobListOptions = {}): AsyncGenerator<Job, void, void> {
    return this.#endpoint.each(listing(options), options);
  }

  /** Stops it at the next chunk and keeps its checkpoint. */
  pause(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("pause", id, options);
  }

  /** Lets a paused one go on. */
  resume(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("resume", id, options);
  }

  /** Ends it; what is published stays. */
  cancel(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("cancel", id, options);
  }

  /** Lets one go on that waits. */
  retry(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("retry", id, options);
  }

  /** Settles one of which nobody can tell whether it was published. */
  decide(id: string, published: boolean, options: ActionOptions = {}): Promise<Accepted> {
    const body = { published, ...reason(options) };
    const path = `/v1/jobs/${segment(id)}/decide`;
    return this.#endpoint.post(`decide job ${id}`, path, body, accepted, options);
  }

  /** Why it waits, runs where it runs, or has failed: sentences for people. */
  async explain(id: string, options: ReadOptions = {}): Promise<readonly string[]> {
    const path = `/v1/jobs/${segment(id)}/explain`;
    return (await this.#endpoint.get(`explain job ${id}`, path, explanation, options)).lines;
  }

  #act(action: string, id: string, options: ActionOptions): Promise<Accepted> {
    const path = `/v1/jobs/${segment(id)}/${action}`;
    return this.#endpoint.post(`${action} job ${id}`, path, reason(options), accepted, options);
  }
}

function listing({ run, states, labels }: JobListOptions) {
  const query = { run, state: states?.join(","), labels };
  return { action: "list jobs", path: "/v1/jobs", item: job, query };
}
