/** `quorus protocols [NAME]`: which transfer protocols there are, and what each can do. */

import type { TransferProtocol } from "../../protocols/contract.ts";
import { didYouMean } from "../../workflows/suggest.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { loadPlugIns } from "../plug_ins.ts";
import type { Process } from "../process.ts";
import { installedCredentials, installedProtocols } from "../protocols.ts";
import { paint } from "../show/text.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { capabilityLines, protocolLines, protocolView } from "../show/protocol_view.ts";
import { usesColours } from "../session.ts";

/** The options of `protocols`. */
export interface ProtocolsOptions {
  readonly output: OutputFormat;
  readonly protocol?: readonly string[];
}

/** The table of all, or the page of one. */
export async function protocolsVerb(
  process: Process,
  name: string | null,
  options: ProtocolsOptions,
): Promise<ExitCode> {
  const plugIns = await loadPlugIns(options.protocol ?? [], process.cwd);
  const { protocols } = installedProtocols(undefined, plugIns);
  const credentials = installedCredentials(plugIns);
  const chosen = name === null ? protocols : [named(protocols, name)];
  const views = chosen.map((protocol) => protocolView(protocol, credentials));
  if (options.output !== "table") {
    const { dataText } = await import("../show/data.ts");
    process.out(dataText(name === null ? { protocols: views } : views[0], options.output));
    return EXIT.ok;
  }
  const colours = paint(usesColours(process, process.outIsTerminal));
  const lines = name === null ? capabilityLines(views, colours) : protocolLines(views[0]!, colours);
  process.out(`${lines.join("\n")}\n`);
  return EXIT.ok;
}

function named(protocols: readonly TransferProtocol[], name: string): TransferProtocol {
  const wanted = name.toLowerCase().replace(/:$/, "");
  const found = protocols.find((one) => one.name === wanted) ??
    protocols.find(({ schemes }) => schemes.includes(wanted));
  if (found !== undefined) return found;
  const names = protocols.map((protocol) => protocol.name);
  const hint = didYouMean(wanted, names) ?? `there are ${names.join(", ")}`;
  throw new CliError("usage", `no protocol is called ${name}; ${hint}`);
}
