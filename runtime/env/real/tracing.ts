/**
 * Traces by Deno's own OpenTelemetry, which is on where the process was started with `OTEL_DENO=true`; its
 * other variables say where they go. The objects are those of the OpenTelemetry API, of which Deno
 * declares no types: what is used of them stands here.
 */

import { messageOf } from "../../base/errors.ts";
import type { Span, SpanAttributes, SpanStart, Tracing } from "../tracing.ts";

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags?: number;
  readonly isRemote?: boolean;
}

interface OtelSpan {
  spanContext(): SpanContext;
  setAttribute(name: string, value: string | number | boolean): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(): void;
}

interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
}

interface OtelTracer {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly attributes: SpanAttributes },
    context?: OtelContext,
  ): OtelSpan;
}

interface Otel {
  readonly tracerProvider: { getTracer(name: string): OtelTracer };
  readonly contextManager: {
    active(): OtelContext;
    with<T>(context: OtelContext, work: () => T): T;
  };
}

/** Where a context keeps its span: the key of the OpenTelemetry API. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");
const KINDS = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
const ERROR_STATUS = 2;
const SAMPLED = 1;

/** The tracing of this process; `null` where it is off. */
export function realTracing(): Tracing | null {
  const { tracerProvider, contextManager } = Deno.telemetry as unknown as Otel;
  const tracer = tracerProvider.getTracer("quorus");
  try {
    // Where it is off this throws; nothing else says so without a permission to read the environment.
    tracer.startSpan("quorus.start", { kind: KINDS.internal, attributes: {} }).end();
  } catch {
    return null;
  }
  return { start: (name, start = {}) => begin(contextManager, tracer, name, start) };
}

function begin(
  contexts: Otel["contextManager"],
  tracer: OtelTracer,
  name: string,
  { kind = "internal", parent = null, attributes = {} }: SpanStart,
): Span {
  const around = parent === null || isServed(contexts.active(), kind, parent)
    ? contexts.active()
    : remote(contexts.active(), parent);
  const span = tracer.startSpan(name, { kind: KINDS[kind], attributes }, around);
  const { traceId, spanId, traceFlags = SAMPLED } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
    set: (more) => {
      for (const [key, value] of Object.entries(more)) span.setAttribute(key, value);
    },
    within: (work) => contexts.with(around.setValue(SPAN_KEY, span), work),
    end: (error) => {
      if (error !== undefined) span.setStatus({ code: ERROR_STATUS, message: messageOf(error) });
      span.end();
    },
  };
}

/** What the system traces of a request by itself is a part of the client's span, and ours of it. */
function isServed(context: OtelContext, kind: SpanStart["kind"], parent: string): boolean {
  const active = context.getValue(SPAN_KEY) as OtelSpan | undefined;
  return kind === "server" && active?.spanContext().traceId === parent.split("-")[1];
}

/** A context in which the span of a `traceparent` is active. */
function remote(context: OtelContext, traceparent: string): OtelContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  };
  return context.setValue(SPAN_KEY, { spanContext: () => parent });
}
