/** Spans around work. */

import type { Tracing } from "../env/tracing.ts";

/** Does `work` as a span, a part of the one that is active; without tracing, just does it. */
export async function inSpan<T>(
  tracing: Tracing | undefined,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  if (tracing === undefined) return await work();
  const span = tracing.start(name);
  try {
    const result = await span.within(work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
