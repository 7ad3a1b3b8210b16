/** The typed errors of the journal. */

import { QuorusError } from "../base/errors.ts";

/**
 * Why a journal could not serve: `corrupt` (damage before the end), `broken` (an earlier disk error;
 * for good), `noSpace` (the disk is full; readable still), `tooLarge`, `full` (the queue), `closed`.
 */
export type JournalErrorCode = "corrupt" | "broken" | "noSpace" | "tooLarge" | "full" | "closed";

/** A failed call of a journal. */
export class JournalError extends QuorusError<JournalErrorCode> {
  override readonly name = "JournalError";
}
