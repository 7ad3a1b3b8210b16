/** An event that is encoded once, however many clients get it. */

import type { LiveEvent } from "../../actors/desk/messages.ts";
import {
  cloudEventText,
  EVENT_TYPES,
  type EventFacts,
  factsOf,
  type Missed,
  missedText,
} from "./cloud_event.ts";
import { type EventPosition, positionOf } from "./event_id.ts";

const encoder = new TextEncoder();

/** See the file's comment. */
export class LiveRecord {
  /** null: it has no place in the order, and nobody can go on after it. */
  readonly id: string | null;
  readonly position: EventPosition | null;
  /** null: for everybody, whatever their filter. */
  readonly facts: EventFacts | null;
  /** The CloudEvent as JSON, without line ends. */
  readonly text: string;
  #serverSent: Uint8Array | null = null;

  constructor(id: string | null, facts: EventFacts | null, text: string) {
    this.id = id;
    this.position = id === null ? null : positionOf(id);
    this.facts = facts;
    this.text = text;
  }

  /** Memory that it takes: the text, and its other form. */
  get bytes(): number {
    return 2 * this.text.length;
  }

  /** As one event of `text/event-stream`; made when the first client wants it. */
  get serverSent(): Uint8Array {
    this.#serverSent ??= encoder.encode(
      `${this.id === null ? "" : `id: ${this.id}\n`}data: ${this.text}\n\n`,
    );
    return this.#serverSent;
  }
}

/** The record of an event from a controller. */
export function recordOf(event: LiveEvent): LiveRecord {
  const facts = factsOf(event);
  return new LiveRecord(
    event.type === "progress" ? null : event.id,
    facts,
    cloudEventText(event, facts),
  );
}

/** The record that tells what was missed. */
export function missedRecord(missed: Missed, atMs: number, number: number): LiveRecord {
  return new LiveRecord(null, null, missedText(missed, atMs, number));
}

/** Counts what one client does not get. */
export class MissedCount {
  #byType: Record<string, number> = {};
  #count = 0;
  #first: string | null = null;
  #last: string | null = null;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(record: LiveRecord): void {
    const type = record.facts?.type ?? EVENT_TYPES.missed;
    this.#byType[type] = (this.#byType[type] ?? 0) + 1;
    this.#count += 1;
    this.#first ??= record.id;
    this.#last = record.id ?? this.#last;
  }

  /** What was counted; begins anew. */
  take(): Missed {
    const missed: Missed = {
      why: "slow",
      count: this.#count,
      byType: this.#byType,
      first: this.#first,
      last: this.#last,
    };
    this.#byType = {};
    this.#count = 0;
    this.#first = null;
    this.#last = null;
    return missed;
  }
}
