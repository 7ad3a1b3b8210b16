/** `quorus explain JOB`: why it waits, runs where it runs, or has failed. */

import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "../remote/session.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { clean } from "../show/text.ts";

/** The leader's own words. */
export async function explainVerb(
  process: Process,
  target: string,
  options: RemoteOptions & { readonly output: OutputFormat },
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal }) => {
    const lines = await quorus.jobs.explain(target.replace(/^jobs?\//, ""), { signal });
    if (options.output !== "table") process.out(dataText({ lines }, options.output));
    else process.out(lines.map((line) => `${clean(line)}\n`).join(""));
    return EXIT.ok;
  });
}
