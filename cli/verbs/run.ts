/** `quorus run FILE...`: carries workflow files out, to their end. */

import { loadFiles } from "../input/documents.ts";
import { givenValues } from "../input/variables.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { chooseDisplay, showReports } from "../run/choose_display.ts";
import { executeRuns } from "../run/execute.ts";
import { protocolChoice, type ReachOptions } from "../run/protocol_choice.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import { prepareRuns } from "../run/prepare.ts";
import { againText } from "../run/again.ts";
import { withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** The options of `run`. */
export interface RunOptions extends ReachOptions {
  readonly var?: readonly string[];
  readonly vars?: string;
  readonly data: string;
  readonly concurrency?: number;
  readonly sync: boolean;
  readonly maxRate?: number;
  readonly trace?: boolean;
  readonly keepGoing?: boolean;
  readonly json?: boolean;
  readonly output: OutputFormat;
  readonly secrets?: string;
  readonly dryRun?: boolean;
}

/** Runs all definitions of all files in order. */
export async function runVerb(
  process: Process,
  files: readonly string[],
  options: RunOptions,
): Promise<ExitCode> {
  const interrupt = takeInterrupts(process);
  try {
    return await withSession(process, async (session) => {
      const values = await givenValues(options, session.env.disk, process.cwd);
      const chosen = await protocolChoice(options, process);
      const { disk } = session.env;
      const given = Object.keys(values);
      const loaded = await loadFiles(disk, process.cwd, files, given, chosen.plugIns);
      const runs = await prepareRuns(session, loaded, { ...options, values });
      if (options.dryRun) {
        const { dryRun } = await import("./dry_run.ts");
        return await dryRun(session, runs, options.output, chosen);
      }
      if (interrupt.signal !== null) return EXIT.interrupted;
      const display = chooseDisplay(session, options.json ?? false);
      const executed = await executeRuns(session, runs, display, interrupt, {
        sync: options.sync,
        maxRate: options.maxRate ?? null,
        trace: options.trace ?? false,
        ...chosen,
        keepGoing: options.keepGoing ?? false,
        againText: againText(process.args),
      });
      if (!options.json) showReports(session, executed.reports, options.output);
      return executed.exitCode;
    });
  } finally {
    interrupt.dispose();
  }
}
