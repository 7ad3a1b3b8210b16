/** A run as NDJSON on standard output. */

import type { Clock, LogLevel } from "../../runtime/env/env.ts";
import type { Board, Row } from "../show/board.ts";
import {
  boardEvents,
  changedEvent,
  createdEvent,
  endedEvent,
  type EventHead,
  logEvent,
  progressEvent,
  type RunEvent,
} from "../show/events.ts";
import type { RunHeading } from "../show/plain.ts";
import type { Report } from "../show/report.ts";
import type { Display } from "./display.ts";

/** Events go to `out`, sentences for people to `err`. */
export class EventDisplay implements Display {
  readonly #out: (text: string) => void;
  readonly #err: (text: string) => void;
  readonly #clock: Clock;
  #runId: string | null = null;

  constructor(out: (text: string) => void, err: (text: string) => void, clock: Clock) {
    this.#out = out;
    this.#err = err;
    this.#clock = clock;
  }

  begin(heading: RunHeading, board: Board): void {
    this.#runId = heading.runId;
    this.#write(createdEvent(this.#head(), heading));
    for (const event of boardEvents(this.#head(), board)) this.#write(event);
  }

  changed(_before: Row, after: Row): void {
    this.#write(changedEvent(this.#head(), after));
  }

  progressed(_before: Row | undefined, after: Row): void {
    const event = progressEvent(this.#head(), after);
    if (event !== null) this.#write(event);
  }

  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    if (level === "debug") return;
    this.#write(logEvent({ atMs: this.#clock.now(), runId: this.#runId }, level, message, facts));
  }

  note(text: string): void {
    this.#err(`${text}\n`);
  }

  ended(report: Report): void {
    this.#write(endedEvent(this.#head(), report));
    this.#runId = null;
  }

  close(): void {}

  #head(): EventHead {
    return { atMs: this.#clock.now(), runId: this.#runId ?? "" };
  }

  #write(event: RunEvent): void {
    this.#out(`${JSON.stringify(event)}\n`);
  }
}
