/** A run as lines on standard error. */

import type { Clock, LogLevel } from "../../runtime/env/env.ts";
import { cliLimits } from "../limits.ts";
import type { Row } from "../show/board.ts";
import { changeLine, headingLine, resumedLine, type RunHeading } from "../show/plain.ts";
import { clean, type Paint } from "../show/text.ts";
import { type Display, isForPeople, logLine } from "./display.ts";

/** Lines go to `write`, each with its line end. */
export class PlainDisplay implements Display {
  readonly #write: (text: string) => void;
  readonly #clock: Clock;
  readonly #paint: Paint;
  #lines = 0;
  #untold = 0;
  #tellsBegins = true;

  constructor(write: (text: string) => void, clock: Clock, colours: Paint) {
    this.#write = write;
    this.#clock = clock;
    this.#paint = colours;
  }

  begin(heading: RunHeading): void {
    this.#tellsBegins = heading.transfers <= cliLimits.startedTransfers;
    this.#write(`${headingLine(heading)}\n`);
  }

  changed(before: Row, after: Row): void {
    if (after.state === "assigned" && !this.#tellsBegins) return;
    this.#line(changeLine(before, after, this.#clock.now(), this.#paint));
  }

  progressed(before: Row | undefined, after: Row): void {
    this.#line(resumedLine(before, after));
  }

  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    if (isForPeople(level, message)) this.note(logLine(level, message, facts));
  }

  note(text: string): void {
    this.#write(`${text.split("\n").map(clean).join("\n")}\n`);
  }

  ended(): void {
    if (this.#untold > 0) this.#write(`… and ${this.#untold} more changes\n`);
    this.#lines = 0;
    this.#untold = 0;
  }

  close(): void {}

  #line(text: string | null): void {
    if (text === null) return;
    if (this.#lines >= cliLimits.plainLines) this.#untold += 1;
    else this.#write(`${text}\n`);
    this.#lines += 1;
  }
}
