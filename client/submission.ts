/** What is submitted: a workflow and what it needs. */

/** A workflow; `environment` and `files` are the submitter's own, nobody else's are ever read. */
export interface Submission extends Bindings {
  /** The text of a workflow file, or its document as plain data. */
  readonly workflow: string | Readonly<Record<string, unknown>>;
  /** For workflows that name none. */
  readonly tenant?: string | undefined;
}

/** Values by name. */
export interface Bindings {
  /** By full name, as `--var` gives them. */
  readonly variables?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Values for `${env:NAME}`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Texts for `${file:NAME}`. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** Where relative paths start, on the agents' machines: an absolute path. Without it they are refused. */
  readonly base?: string | undefined;
}
