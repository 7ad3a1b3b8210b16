/** The typed error of a job: what the protocols cannot know. */

import { type ErrorFacts, QuorusError } from "../../runtime/base/errors.ts";

/** Why an attempt failed although its protocols worked. */
export type JobErrorCode =
  | "checksumMismatch"
  | "sizeRefused"
  | "verificationUnavailable"
  | "destinationExists"
  | "interrupted"
  | "jobTimeout"
  | "publishFailed"
  | "publishUnclear"
  | "secretMissing"
  | "serverCopyUnavailable"
  | "temporaryDamaged"
  | "workerLost"
  | "relayLost"
  | "selectionInvalid"
  | "filesFailed"
  | "mirrorRefused"
  | "ledgerFull"
  | "alreadyCopied"
  | "tooManyOpen";

/** A failed attempt. Nothing was published unless `definite` is false. */
export class JobError extends QuorusError<JobErrorCode> {
  override readonly name = "JobError";
  constructor(code: JobErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}
