/** Log records that say what they are about. */

import type { LogPort } from "../env/env.ts";

/** A log whose records all have these facts, in front of their own. */
export function withFacts(log: LogPort, facts: Readonly<Record<string, unknown>>): LogPort {
  return { write: (level, message, own = {}) => log.write(level, message, { ...facts, ...own }) };
}
