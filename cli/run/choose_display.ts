/** Which display fits where the output goes, and the report at the end. */

import type { Session } from "../session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { type Report, reportLines } from "../show/report.ts";
import type { Display } from "./display.ts";
import { EventDisplay } from "./event_display.ts";
import { LiveDisplay } from "./live_display.ts";
import { PlainDisplay } from "./plain_display.ts";

/** Events where they are asked for, live on a terminal that can, else lines. */
export function chooseDisplay(session: Session, events: boolean): Display {
  const { process, env, errPaint } = session;
  if (events) return new EventDisplay(process.out, process.err, env.clock);
  if (process.errIsTerminal && process.env("TERM") !== "dumb") {
    return new LiveDisplay(process, env, errPaint);
  }
  return new PlainDisplay(process.err, env.clock, errPaint);
}

/** Results on standard output: tables, or one value for all runs. */
export function showReports(
  session: Session,
  reports: readonly Report[],
  format: OutputFormat,
): void {
  const { process, outPaint } = session;
  if (format !== "table") return process.out(dataText({ runs: reports }, format));
  for (const report of reports) process.out(`\n${reportLines(report, outPaint).join("\n")}\n`);
}
