/** What an abort signal means to a protocol. */

import { ProtocolError } from "./errors.ts";

/**
 * The error of a call that was ended by its signal; `action` is its verb and object, and `definite`
 * is false where it may have taken effect all the same.
 */
export function abortedError(
  action: string,
  signal: AbortSignal,
  definite = true,
): ProtocolError {
  return new ProtocolError("aborted", `stopped while trying to ${action}: it was aborted`, {
    cause: signal.reason,
    definite,
  });
}

/** Throws `aborted` if the signal already fired. */
export function assertNotAborted(action: string, signal: AbortSignal): void {
  if (signal.aborted) throw abortedError(action, signal);
}
