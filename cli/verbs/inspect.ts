/** `quorus inspect`: the living tree of actors of a controller, and what runs on which agent's threads. */

import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "../remote/session.ts";
import { agentLines, treeLines } from "../remote/tree.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** Of the controller that answers. */
export async function inspectVerb(
  process: Process,
  options: RemoteOptions & { readonly output: OutputFormat },
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal }) => {
    const tree = await quorus.cluster.inspect({ signal });
    const agents = await Array.fromAsync(quorus.agents.list({ signal }));
    const lines = [...treeLines(tree), ...agentLines(agents)];
    if (options.output !== "table") process.out(dataText({ tree, agents }, options.output));
    else process.out(lines.map((line) => `${line}\n`).join(""));
    return EXIT.ok;
  });
}
