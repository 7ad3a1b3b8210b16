/**
 * Traces, as a port: what took how long, and as a part of what. An Env has it only where somebody
 * collects them, so that who traces asks `env.tracing?.` and costs nothing where nobody does.
 */

/** What is told of a span beside its name and times. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** How a span begins. */
export interface SpanStart {
  /** `server`: work that another process has asked for; `consumer`: that came as a message. */
  readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
  /** The span that this one is a part of, as a W3C `traceparent`; else the one that is active, if any. */
  readonly parent?: string | null | undefined;
  readonly attributes?: SpanAttributes;
}

/** Something that takes time; `end` it exactly once. */
export interface Span {
  /** What its parts name as their parent, here or on other nodes: a W3C `traceparent`. */
  readonly traceparent: string;
  /** Says more of it. */
  set(attributes: SpanAttributes): void;
  /** Runs `work`; what the system traces by itself (fetch, say) becomes a part of this span. */
  within<T>(work: () => T): T;
  /** It is over; with an error it has failed. */
  end(error?: unknown): void;
}

/** Makes spans. */
export interface Tracing {
  /** Begins a span; it does not throw. */
  start(name: string, start?: SpanStart): Span;
}
