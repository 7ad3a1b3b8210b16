/** The trace that a request belongs to: the client's, or one that begins here where traces are collected. */

import { isTraceparent } from "../runtime/actor/trace.ts";
import type { Span, Tracing } from "../runtime/env/tracing.ts";

/** What is traced of one request. */
export interface RequestTrace {
  /** What goes on with the request, and comes back with its answer; absent: it belongs to no trace. */
  readonly traceparent: string | undefined;
  /** It was answered. */
  ended(status: number, requestId: string | null): void;
}

/** Begins the trace of a request for `route`, as it is declared. */
export function traceRequest(
  tracing: Tracing | undefined,
  method: string,
  route: string,
  headers: Headers,
): RequestTrace {
  const given = headers.get("traceparent");
  const traceparent = given !== null && isTraceparent(given) ? given : undefined;
  if (tracing === undefined) return traceparent === undefined ? UNTRACED : untold(traceparent);
  const span = tracing.start(`${method} ${route}`, {
    kind: "server",
    parent: traceparent,
    attributes: { "http.request.method": method, "http.route": route },
  });
  return { traceparent: span.traceparent, ended: (status, id) => endSpan(span, status, id) };
}

const UNTRACED: RequestTrace = { traceparent: undefined, ended: () => {} };

function untold(traceparent: string): RequestTrace {
  return { traceparent, ended: () => {} };
}

function endSpan(span: Span, status: number, requestId: string | null): void {
  span.set({ "http.response.status_code": status });
  if (requestId !== null) span.set({ "quorus.request": requestId });
  span.end(status >= 500 ? `status ${status}` : undefined);
}
