/** W3C trace context, as far as the runtime reads it: who checks, who carries, nobody interprets. */

import type { Envelope } from "./envelope.ts";

/** W3C Trace Context, level 1, section 3.2.2: version, trace id, parent id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether the text is a `traceparent` that may travel on. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** The id of the trace that a `traceparent` speaks of; `null` where there is none. */
export function traceIdOf(traceparent: string | null | undefined): string | null {
  return traceparent?.split("-")[1] ?? null;
}

/** The trace that a message belongs to, `null` if to none. */
export function traceOf(envelope: Envelope | null): string | null {
  const note = envelope === null ? null : envelope.note;
  if (note === null || note.kind === "timer" || note.kind === "ended") return null;
  return note.trace;
}
