/**
 * The log of a role, behind the port that everything writes to: LogTape decides what is written where.
 * Its configuration is that of the process, as a process has one standard error.
 */

import { configureSync, getLogger, type LogLevel as TapeLevel, resetSync } from "@logtape/logtape";
import type { Clock, LogLevel, LogPort } from "../../runtime/env/env.ts";
import type { Process } from "../process.ts";
import { jsonLines, type LogFormat, words } from "./record_text.ts";

/** What is written of a role's log, and how. */
export interface LogSettings {
  /** Records from this level on. */
  readonly logLevel: LogLevel;
  /** `auto`: words at a terminal, else JSON. */
  readonly logFormat: LogFormat | "auto";
}

const TAPE_LEVELS: Readonly<Record<LogLevel, TapeLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
};

/** A log that is written. */
export interface Logging extends LogPort {
  /** Nothing is written any more. */
  close(): void;
}

/** Where records go, and what they are made with. */
export interface LogPlace {
  readonly process: Pick<Process, "err" | "errIsTerminal">;
  readonly clock: Pick<Clock, "now">;
  readonly usesColours: boolean;
}

/** Writes to standard error from now on; `shared` is what every line of JSON says of this process. */
export function startLogging(
  { process, clock, usesColours }: LogPlace,
  { logLevel, logFormat }: LogSettings,
  shared: Readonly<Record<string, unknown>>,
): Logging {
  const isWords = logFormat === "text" || (logFormat === "auto" && process.errIsTerminal);
  const format = isWords ? words(usesColours) : jsonLines(shared);
  const lowestLevel = TAPE_LEVELS[logLevel];
  configureSync({
    reset: true,
    sinks: { stderr: (record) => process.err(format(record)) },
    loggers: [
      { category: "quorus", lowestLevel, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
  });
  const logger = getLogger("quorus");
  return {
    write: (level, message, properties = {}) => {
      const at = TAPE_LEVELS[level];
      if (!logger.isEnabledFor(at)) return;
      const timestamp = clock.now();
      logger.emit({ level: at, message: [message], rawMessage: message, timestamp, properties });
    },
    close: resetSync,
  };
}
