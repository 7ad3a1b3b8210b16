/** `quorus copy SRC DST`: one transfer, built from arguments, carried out like any other. */

import { EXIT, type ExitCode } from "../exit.ts";
import { copyDocument, type CopyOptions } from "../input/copy_document.ts";
import { loadText } from "../input/documents.ts";
import type { Process } from "../process.ts";
import { protocolChoice, type ReachOptions } from "../run/protocol_choice.ts";
import { againText } from "../run/again.ts";
import { chooseDisplay, showReports } from "../run/choose_display.ts";
import { executeRuns } from "../run/execute.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import { prepareRuns } from "../run/prepare.ts";
import { withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** The options of `copy`. */
export interface CopyVerbOptions extends CopyOptions, ReachOptions {
  readonly data: string;
  readonly sync: boolean;
  readonly maxRate?: number;
  readonly trace?: boolean;
  readonly json?: boolean;
  readonly output: OutputFormat;
  readonly secrets?: string;
}

/** Copies one file. */
export async function copyVerb(
  process: Process,
  source: string,
  destination: string,
  options: CopyVerbOptions,
): Promise<ExitCode> {
  const interrupt = takeInterrupts(process);
  try {
    return await withSession(process, async (session) => {
      const text = await copyDocument(source, destination, options, session.env.disk, process.cwd);
      const chosen = await protocolChoice(options, process);
      const loaded = loadText(text, "copy", process.cwd, [], chosen.plugIns);
      const runs = await prepareRuns(session, [loaded], {
        ...options,
        values: {},
        fromArguments: true,
      });
      if (interrupt.signal !== null) return EXIT.interrupted;
      const display = chooseDisplay(session, options.json ?? false);
      const executed = await executeRuns(session, runs, display, interrupt, {
        sync: options.sync,
        maxRate: options.maxRate ?? null,
        trace: options.trace ?? false,
        ...chosen,
        keepGoing: false,
        againText: againText(process.args),
      });
      if (!options.json) showReports(session, executed.reports, options.output);
      return executed.exitCode;
    });
  } finally {
    interrupt.dispose();
  }
}
