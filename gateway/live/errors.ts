/** What is wrong with a request for a live stream. */

import { type ErrorFacts, QuorusError } from "../../runtime/base/errors.ts";

/** `invalidFilter`, `invalidEventId`: 400. `tooManyStreams`: 429. `notUpgrade`: 426. `closing`: 503. */
export type LiveErrorCode =
  | "invalidFilter"
  | "invalidEventId"
  | "tooManyStreams"
  | "notUpgrade"
  | "closing";

/** A stream that was not begun; `details.pointer` names the parameter where there is one. */
export class LiveError extends QuorusError<LiveErrorCode> {
  override readonly name = "LiveError";
  constructor(code: LiveErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}
