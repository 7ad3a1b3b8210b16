/** `quorus inspect`: the living tree of actors of a controller. */

import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "../remote/session.ts";
import { treeLines } from "../remote/tree.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** Of the controller that answers. */
export async function inspectVerb(
  process: Process,
  options: RemoteOptions & { readonly output: OutputFormat },
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal }) => {
    const tree = await quorus.cluster.inspect({ signal });
    if (options.output !== "table") process.out(dataText({ tree }, options.output));
    else process.out(treeLines(tree).map((line) => `${line}\n`).join(""));
    return EXIT.ok;
  });
}
