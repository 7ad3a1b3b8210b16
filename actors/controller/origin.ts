/**
 * Where a run came from: the request that submitted it. Kept with the run so that whatever is logged or
 * traced of it later can name that request; nothing depends on it.
 */

import { z } from "zod";
import { traceIdOf } from "../../runtime/actor/trace.ts";

/** The bounds are those of the door, which makes both. */
export const origin = z.object({
  requestId: z.string().max(64),
  /** A W3C `traceparent`; absent where the request belongs to no trace. */
  traceparent: z.string().max(64).optional(),
});

/** See {@link origin}. */
export interface Origin {
  readonly requestId: string;
  readonly traceparent?: string | undefined;
}

/** What log records say of an origin. */
export function originFacts(from: Origin | undefined): Readonly<Record<string, string>> {
  if (from === undefined) return {};
  const traceId = traceIdOf(from.traceparent);
  return { requestId: from.requestId, ...(traceId === null ? {} : { traceId }) };
}
