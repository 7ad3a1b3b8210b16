/** Why a link ends itself. */

import { QuorusError } from "../base/errors.ts";

/** Close codes of links, in the range that RFC 6455, section 7.4.2 leaves to applications. */
export const LINK_CLOSE = {
  /** Wanted by the owner, no error. */
  normal: 4000,
  /** A frame was malformed. */
  malformed: 4400,
  /** The peer does not take control records. */
  overflow: 4413,
} as const;

/** `ControlOverflow`: the control lane was full. */
export type LinkErrorCode = "ControlOverflow";

/** What a link has ended for, beside a `FrameError`. */
export class LinkError extends QuorusError<LinkErrorCode> {
  override readonly name = "LinkError";
}

/** The longest reason of a WebSocket's close frame, RFC 6455, section 5.5. */
const REASON_BYTES = 123;

/** As much of `reason` as a close frame takes, cut between characters. */
export function closeReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_BYTES));
  return reason.slice(0, read);
}
