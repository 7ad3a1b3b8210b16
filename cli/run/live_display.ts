/** A run on a terminal: a block that is drawn again as it changes, and lines that stay above it. */

import type { Clock, LogLevel, TimerHandle, Timers } from "../../runtime/env/env.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { blockLines } from "../show/block.ts";
import type { Board, Row } from "../show/board.ts";
import { frame, HIDE_CURSOR, SHOW_CURSOR } from "../show/frame.ts";
import { changeLine, headingLine, resumedLine, type RunHeading } from "../show/plain.ts";
import { clean, type Paint } from "../show/text.ts";
import { type Display, isForPeople, logLine } from "./display.ts";

/** What the block cannot show for long, so that a line stays. */
const LASTING: ReadonlySet<Row["state"]> = new Set([
  "retrying",
  "failed",
  "unknown",
  "skipped",
  "cancelled",
]);

/** Draws at most once each `redrawMs`; owns the cursor until it is closed. */
export class LiveDisplay implements Display {
  readonly #process: Process;
  readonly #env: { readonly clock: Clock; readonly timers: Timers };
  readonly #paint: Paint;
  #board: Board | null = null;
  #drawnLines = 0;
  #above: string[] = [];
  #timer: TimerHandle | null = null;

  constructor(process: Process, env: { clock: Clock; timers: Timers }, colours: Paint) {
    this.#process = process;
    this.#env = env;
    this.#paint = colours;
  }

  begin(heading: RunHeading, board: Board): void {
    this.#board = board;
    this.#process.err(HIDE_CURSOR);
    this.#above.push(headingLine(heading));
    this.#draw();
  }

  changed(before: Row, after: Row): void {
    if (LASTING.has(after.state)) {
      this.#add(changeLine(before, after, this.#env.clock.now(), this.#paint));
    }
    this.#later();
  }

  progressed(before: Row | undefined, after: Row): void {
    this.#add(resumedLine(before, after));
    this.#later();
  }

  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    if (isForPeople(level, message)) this.note(logLine(level, message, facts));
  }

  note(text: string): void {
    for (const line of text.split("\n")) this.#add(clean(line));
    this.#later();
  }

  /** The report takes the block's place. */
  ended(): void {
    this.close();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#board === null) return this.#flush();
    this.#board = null;
    this.#process.err(frame(this.#drawnLines, this.#above, []) + SHOW_CURSOR);
    this.#drawnLines = 0;
    this.#above = [];
  }

  #flush(): void {
    if (this.#above.length > 0) this.#process.err(`${this.#above.join("\n")}\n`);
    this.#above = [];
  }

  #add(line: string | null): void {
    if (line !== null) this.#above.push(line);
  }

  #later(): void {
    if (this.#board === null) return this.#flush();
    this.#timer ??= this.#env.timers.after(cliLimits.redrawMs, () => {
      this.#timer = null;
      this.#draw();
    });
  }

  #draw(): void {
    if (this.#board === null) return;
    const size = this.#process.size();
    const lines = blockLines(this.#board, size, this.#env.clock.now(), this.#paint);
    // A terminal that was made lower would scroll what we could not overwrite any more.
    const before = Math.min(this.#drawnLines, size.rows - 1);
    this.#process.err(frame(before, this.#above, lines));
    this.#drawnLines = lines.length;
    this.#above = [];
  }
}
