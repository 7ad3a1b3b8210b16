/** `quorus cancel TARGET...`: ends runs or jobs. */

import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { act, type ActOptions } from "../remote/act.ts";

/** See the file's comment. */
export function cancelVerb(
  process: Process,
  targets: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  return act(process, "cancel", targets, options);
}
