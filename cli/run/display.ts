/** Who shows a run: live on a terminal, as plain lines, or as events. */

import type { LogLevel } from "../../runtime/env/env.ts";
import type { Board, Row } from "../show/board.ts";
import type { RunHeading } from "../show/plain.ts";
import type { Report } from "../show/report.ts";

/** Told of everything in order; shows what it is for. */
export interface Display {
  begin(heading: RunHeading, board: Board): void;
  changed(before: Row, after: Row): void;
  progressed(before: Row | undefined, after: Row): void;
  log(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void;
  /** A sentence of the command line itself. */
  note(text: string): void;
  ended(report: Report): void;
  /** Leaves the terminal as it was; idempotent. */
  close(): void;
}

/** Log records that a run's owner asked for (`notify`, `cleanup`, `rollback`) or must know. */
export function isForPeople(level: LogLevel, message: string): boolean {
  if (level === "warn" || level === "error") return true;
  return level === "info" && ["notify", "cleaned up", "rolled back", "call"].includes(message);
}

/** A log record as a line. */
export function logLine(
  level: LogLevel,
  message: string,
  facts: Readonly<Record<string, unknown>>,
): string {
  if (message === "notify") return `notify ${String(facts.target)}: ${String(facts.message)}`;
  if (message === "call") return callLine(facts);
  const shown = Object.entries(facts).map(([name, value]) => `${name} ${factText(value)}`);
  const text = shown.length === 0 ? message : `${message}: ${shown.join(", ")}`;
  return level === "info" ? text : `${level === "warn" ? "warning" : "error"}: ${text}`;
}

/** `call source read https://host/file: 4096 bytes in 1.9ms, ok`. */
function callLine(facts: Readonly<Record<string, unknown>>): string {
  const { side, operation, target, bytes, durationMs, outcome } = facts;
  const moved = bytes === null ? "" : `${String(bytes)} bytes `;
  const text = `call ${side} ${operation} ${target}: ${moved}in ${Number(durationMs).toFixed(1)}ms`;
  return `${text}, ${outcome}`;
}

function factText(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}
