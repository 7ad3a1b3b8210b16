/** A controller that tells events: it keeps the newest, and a poll waits where there is nothing. */

import type { LiveEvent } from "../../../actors/desk/messages.ts";
import { comparePositions, positionOf } from "../../../gateway/live/event_id.ts";
import type { EventPage, EventSource } from "../../../gateway/live/source.ts";

const place = (id: string) => positionOf(id) ?? [];
const idOf = (event: LiveEvent) => event.type === "progress" ? null : event.id;

/** See the file's comment. */
export class Teller implements EventSource {
  readonly name: string;
  /** Polls that are refused; tests set it. */
  isDown = false;
  polls = 0;
  #kept: LiveEvent[] = [];
  #last = "0.0";
  #forgotten: string | null = null;
  #waiting: (() => void)[] = [];

  constructor(name = "c1") {
    this.name = name;
  }

  /** Something has happened. */
  tell(...events: LiveEvent[]): void {
    this.#kept.push(...events);
    for (const event of events) this.#last = idOf(event) ?? this.#last;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Forgets all but the newest events. */
  forget(keep: number): void {
    const dropped = this.#kept.splice(0, this.#kept.length - keep).at(-1);
    if (dropped !== undefined) this.#forgotten = idOf(dropped);
  }

  /** Polls that wait are answered with a failure. */
  goDown(): void {
    this.isDown = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async pull(
    after: string | null,
    limit: number,
    _withinMs: number,
    signal: AbortSignal,
  ): Promise<EventPage> {
    this.polls += 1;
    let from = after ?? this.#last;
    // Progress is told to those who wait for it, and to nobody later.
    let seen = this.#kept.length;
    for (;;) {
      if (this.isDown) throw new Error(`${this.name} is down`);
      const events = this.#kept.filter((event, at) => {
        const id = idOf(event);
        return id === null ? at >= seen : comparePositions(place(id), place(from)) > 0;
      }).slice(0, limit);
      const missed = this.#forgotten !== null &&
        comparePositions(place(from), place(this.#forgotten)) < 0;
      if (events.length > 0) {
        for (const event of events) from = idOf(event) ?? from;
        return { events, last: from, missed };
      }
      if (after === null) return { events: [], last: this.#last, missed: false };
      seen = this.#kept.length;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      if (signal.aborted) throw new Error("aborted");
    }
  }
}
