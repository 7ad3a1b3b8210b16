/** Protocols from outside: modules that export one, named in settings or with `--protocol`. */

import { messageOf } from "../runtime/base/errors.ts";
import type { TransferProtocol } from "../protocols/contract.ts";
import { CliError } from "./exit.ts";
import { absolutePath } from "./input/text_file.ts";

const NAME = /^[a-z][a-z0-9+.-]*$/;

/**
 * Loads each module and takes its protocol: what it exports by default or as `protocol`, or what a
 * function there returns. Paths start at `directory`. CliError `invalidInput` names the module and the fault.
 */
export async function loadPlugIns(
  specifiers: readonly string[],
  directory: string,
): Promise<TransferProtocol[]> {
  const protocols: TransferProtocol[] = [];
  for (const specifier of specifiers) protocols.push(await loadPlugIn(specifier, directory));
  return protocols;
}

async function loadPlugIn(specifier: string, directory: string): Promise<TransferProtocol> {
  const refuse = (reason: string, cause?: unknown) =>
    new CliError("invalidInput", `cannot use ${specifier} as a protocol: ${reason}`, { cause });
  let exported: unknown;
  try {
    // deno-lint-ignore quorus/layers -- which module it is, whoever configures the node says
    const module = await import(moduleUrl(specifier, directory)) as Record<string, unknown>;
    exported = module["default"] ?? module["protocol"];
    if (typeof exported === "function") exported = await exported();
  } catch (thrown) {
    throw refuse(messageOf(thrown), thrown);
  }
  const fault = faultOf(exported);
  if (fault !== null) throw refuse(fault);
  return exported as TransferProtocol;
}

/** A specifier with a scheme (`npm:`, `file:`) as it is, anything else as a path. */
function moduleUrl(specifier: string, directory: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(specifier)) return specifier;
  const path = absolutePath(directory, specifier);
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}

function faultOf(exported: unknown): string | null {
  if (typeof exported !== "object" || exported === null) {
    return "it exports no protocol; export a TransferProtocol by default";
  }
  const { name, schemes, source, sink, directory } = exported as Record<string, unknown>;
  if (typeof name !== "string" || !NAME.test(name)) return "its protocol has no name";
  const isScheme = (scheme: unknown) => typeof scheme === "string" && NAME.test(scheme);
  if (!Array.isArray(schemes) || schemes.length === 0 || !schemes.every(isScheme)) {
    return "its protocol names no schemes, in lower case and without the colon";
  }
  const ends = [source, sink, directory].filter((end) => end !== undefined);
  if (ends.length === 0) return "its protocol has neither a source nor a sink nor a directory";
  return ends.every((end) => typeof end === "function")
    ? null
    : "an end of its protocol is no function";
}
