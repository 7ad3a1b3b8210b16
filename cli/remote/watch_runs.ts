/** Runs of a cluster, followed one after the other and reported as in `quorus run`. */

import { EXIT, type ExitCode } from "../exit.ts";
import { chooseDisplay, showReports } from "../run/choose_display.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import type { Report } from "../show/report.ts";
import { followRun } from "./follow_run.ts";
import type { Remote } from "./session.ts";

/** How they are shown. */
export interface WatchRunsOptions {
  readonly json?: boolean;
  readonly output: OutputFormat;
}

/** Exit 0 where all have succeeded, 1 where one has not, 130 where somebody stopped watching. */
export async function watchRuns(
  remote: Remote,
  ids: readonly string[],
  { json = false, output }: WatchRunsOptions,
): Promise<ExitCode> {
  const reports: Report[] = [];
  let exitCode: ExitCode = EXIT.ok;
  for (const id of ids) {
    const display = chooseDisplay(remote, json);
    remote.interrupt.onExit(() => display.close());
    const followed = await followRun(remote, id, display);
    reports.push(followed.report);
    if (followed.exitCode !== EXIT.ok) exitCode = followed.exitCode;
    if (exitCode !== EXIT.interrupted) continue;
    display.note(`the run goes on; this looks at it again:\n  quorus watch ${id}`);
    break;
  }
  if (!json) showReports(remote, reports, output);
  return exitCode;
}
