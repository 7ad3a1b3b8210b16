/** A log record as text: a line of JSON for programs, a line of words for people at a terminal. */

import { getAnsiColorFormatter, getTextFormatter, type TextFormatter } from "@logtape/logtape";
import { errorData } from "../../runtime/base/errors.ts";
import { isSecretName, REDACTED, redacted } from "../../runtime/telemetry/redact.ts";

/** How records are written. */
export type LogFormat = "json" | "text";

/** As the port calls them. */
const LEVELS: Readonly<Record<string, string>> = { warning: "warn" };

/** One JSON object a line: `time`, `level`, what all records share, `message`, and the facts. */
export function jsonLines(shared: Readonly<Record<string, unknown>>): TextFormatter {
  return ({ timestamp, level, rawMessage, properties }) => {
    const head = {
      time: new Date(timestamp).toISOString(),
      level: LEVELS[level] ?? level,
      ...shared,
      message: String(rawMessage),
    };
    return `${JSON.stringify({ ...head, ...properties }, plain)}\n`;
  };
}

/** Time, level, message, and the facts as `name=value`; coloured where the terminal can. */
export function words(usesColours: boolean): TextFormatter {
  const format = usesColours ? getAnsiColorFormatter : getTextFormatter;
  return format({
    timestamp: "time",
    level: "ABBR",
    category: () => "",
    format: ({ timestamp, level, message, record }) => {
      const facts = Object.entries(record.properties).map(([name, value]) =>
        `${name}=${wordOf(plain(name, value))}`
      );
      return [timestamp, level, message, ...facts].join(" ");
    },
  });
}

/** What JSON has no word for; and no secret. */
function plain(name: string, value: unknown): unknown {
  if (name !== "" && isSecretName(name)) return REDACTED;
  if (value instanceof Error) return errorData(value);
  if (typeof value === "string") return redacted(value);
  return typeof value === "bigint" ? String(value) : value;
}

/** A text that needs no quotes has none; control characters are never written as they are. */
function wordOf(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@+-]+$/.test(value)) return value;
  return JSON.stringify(value, plain) ?? "undefined";
}
