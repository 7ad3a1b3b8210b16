/** Log records as JSON lines on standard error, so that standard output stays the program's result. */

import { errorData } from "../../base/errors.ts";
import type { LogLevel, LogPort } from "../env.ts";

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorData(value);
  if (typeof value === "bigint") return String(value);
  return value;
}

/** Writes records of at least `level`. */
export function stderrLog(level: LogLevel): LogPort {
  const encoder = new TextEncoder();
  return {
    write(recordLevel, message, facts = {}) {
      if (RANK[recordLevel] < RANK[level]) return;
      const time = new Date().toISOString();
      const line = JSON.stringify({ time, level: recordLevel, message, ...facts }, plain);
      Deno.stderr.writeSync(encoder.encode(line + "\n"));
    },
  };
}
