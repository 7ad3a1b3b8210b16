/** Where events come from: the desks of the controllers, each of which has all of them. */

import type { LiveEvent } from "../../actors/desk/messages.ts";

/** What a controller tells of what has happened. */
export interface EventPage {
  readonly events: readonly LiveEvent[];
  /** Where to go on. */
  readonly last: string;
  /** There were events in between that nobody has any more. */
  readonly missed: boolean;
}

/** One controller, as the feed needs it. */
export interface EventSource {
  /** For the log. */
  readonly name: string;
  /** What came after an event, oldest first; waits where there is nothing yet. `null`: from now on. */
  pull(
    after: string | null,
    limit: number,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<EventPage>;
}
