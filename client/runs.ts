/** `/v1/runs`: executions of workflows. */

import type { Endpoint } from "./endpoint.ts";
import { type Run, run, startedRuns } from "./schemas.ts";
import type { Submission } from "./submission.ts";
import type { CallOptions } from "./transport.ts";
import { WorkCalls, type WorkListOptions } from "./work.ts";

/** Which runs. */
export type RunListOptions = WorkListOptions;

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
export class RunCalls extends WorkCalls<Run, RunListOptions> {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super(endpoint, "run", run);
    this.#endpoint = endpoint;
  }

  /**
   * Starts the workflows of a file, one run for each document: all of them or none. When this resolves no
   * run is lost any more. Repeated with the same `idempotencyKey` it starts nothing twice.
   */
  async submit(submission: Submission, options: CallOptions = {}): Promise<readonly StartedRun[]> {
    const action = "submit a workflow";
    return (await this.#endpoint.post(action, "/v1/runs", submission, startedRuns, options)).runs;
  }
}
