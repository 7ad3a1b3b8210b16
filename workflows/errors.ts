/** What goes wrong with a plan while its run is going on; files are answered with diagnostics instead. */

import { QuorusError } from "../runtime/base/errors.ts";

/** Why a planned transfer, condition or action could not be resolved. */
export type WorkflowErrorCode =
  | "missingResult"
  | "badUri"
  | "badChecksum"
  | "pathEscapes"
  | "pathInvalid"
  | "protocolContradiction"
  | "conditionFailed"
  | "conditionNotBoolean"
  | "tooLong";

/** A planned step that cannot be carried out as it was declared; never retryable. */
export class WorkflowError extends QuorusError<WorkflowErrorCode> {
  override readonly name = "WorkflowError";
}
