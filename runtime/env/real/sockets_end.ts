/** The reason of a close, made to fit. */

import { limitValues } from "../../base/limits.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";

const LIMITS = limitValues(SOCKET_LIMITS);

/** `reason` cut to what a close frame carries, between characters. */
export function endReason(reason: string): string {
  const room = new Uint8Array(LIMITS.reasonBytes);
  const { read } = new TextEncoder().encodeInto(reason, room);
  return reason.slice(0, read);
}
