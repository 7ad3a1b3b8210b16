/** What can be wrong with the archive of a controller. */

import { QuorusError } from "../../runtime/base/errors.ts";

/** Every code of {@link ArchiveError}. */
export type ArchiveErrorCode =
  /** A segment's bytes are not those that the chain speaks of. */
  | "damaged"
  | "malformed"
  /** No controller that answers has the segment. */
  | "notFetched"
  | "badCursor";

/** An error of the archive. */
export class ArchiveError extends QuorusError<ArchiveErrorCode> {
  override readonly name = "ArchiveError";
}

/** A segment that no version wrote so. */
export function malformedSegment(why: string): ArchiveError {
  return new ArchiveError(
    "malformed",
    `read a segment of the archive: ${why}; run the version that wrote it, or remove the file, so ` +
      "that it is fetched again",
  );
}
