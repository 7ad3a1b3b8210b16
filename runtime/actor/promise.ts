/** Telling promises from plain values: a handler that returns no promise must not cost one. */

/** Whether a value can be awaited. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
