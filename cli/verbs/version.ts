/** `quorus version`. */

import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** The version of this program; `deno.json` and CHANGELOG.md say the same. */
export const VERSION = "0.1.0";

/** Versions of this program and of what carries it. */
export async function versionVerb(
  process: Process,
  options: { readonly output: OutputFormat },
): Promise<ExitCode> {
  const versions = { quorus: VERSION, ...process.versions };
  if (options.output !== "table") {
    const { dataText } = await import("../show/data.ts");
    process.out(dataText(versions, options.output));
  } else {
    for (const [name, version] of Object.entries(versions)) process.out(`${name} ${version}\n`);
  }
  return EXIT.ok;
}
