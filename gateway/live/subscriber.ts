/** One client of the live feed: what it wants, where it stands, what it missed. */

import type { EventPosition } from "./event_id.ts";
import type { LiveFilter } from "./filter.ts";
import { type LiveRecord, MissedCount } from "./record.ts";

/** Why a stream is ended from here. */
export type StreamEnd = "session" | "stuck" | "closing";

/** The connection of one client. */
export interface Sink {
  /** More than `clientBufferBytes` are on their way: nothing is given to it until that has fallen. */
  readonly isCongested: boolean;
  send(record: LiveRecord): void;
  /** Says that the connection lives; `lastId` is where a client that got everything may go on. */
  heartbeat(lastId: string | null): void;
  end(why: StreamEnd): void;
}

/** See the file's comment. */
export class Subscriber {
  readonly filter: LiveFilter;
  readonly sink: Sink;
  readonly openedMs: number;
  /** The number of the next record that it has to look at; null: it has seen all, and gets each at once. */
  cursor: number | null = null;
  /** Set while it has everything up to here from another gateway, which was ahead of this one. */
  ahead: EventPosition | null = null;
  /** Since when it has taken nothing. */
  stuckSinceMs: number | null = null;
  readonly missed = new MissedCount();
  /** What it wants to go on after is older than what is kept, and it has not been told yet. */
  hasGap = false;
  /** The newest progress of jobs, for when it has room again. */
  readonly progress = new Map<string, LiveRecord>();
  isOpen = true;

  constructor(filter: LiveFilter, sink: Sink, openedMs: number) {
    this.filter = filter;
    this.sink = sink;
    this.openedMs = openedMs;
  }
}
