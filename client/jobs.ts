/** `/v1/jobs`: single transfers and what becomes of them. */

import { type ActionOptions, type Endpoint, type ReadOptions, reason } from "./endpoint.ts";
import { type Accepted, accepted, explanation, type Job, job, startedJob } from "./schemas.ts";
import type { Submission } from "./submission.ts";
import type { CallOptions } from "./transport.ts";
import { WorkCalls, type WorkListOptions } from "./work.ts";

/** Which jobs. */
export interface JobListOptions extends WorkListOptions {
  readonly run?: string | undefined;
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
export class JobCalls extends WorkCalls<Job, JobListOptions> {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super(endpoint, "job", job);
    this.#endpoint = endpoint;
  }

  /** Submits one document of kind Transfer; when this resolves the job is not lost any more. */
  submit(submission: Submission, options: CallOptions = {}): Promise<StartedJob> {
    return this.#endpoint.post("submit a job", "/v1/jobs", submission, startedJob, options);
  }

  /** Settles one of which nobody can tell whether it was published. */
  decide(id: string, published: boolean, options: ActionOptions = {}): Promise<Accepted> {
    const body = { published, ...reason(options) };
    return this.#endpoint.post(
      `decide job ${id}`,
      `${this.path(id)}/decide`,
      body,
      accepted,
      options,
    );
  }

  /** Why it waits, runs where it runs, or has failed: sentences for people. */
  async explain(id: string, options: ReadOptions = {}): Promise<readonly string[]> {
    const path = `${this.path(id)}/explain`;
    return (await this.#endpoint.get(`explain job ${id}`, path, explanation, options)).lines;
  }
}
