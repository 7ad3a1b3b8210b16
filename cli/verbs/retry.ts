/** `quorus retry TARGET...`: tries again what has failed, and lets jobs go on that wait. */

import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { act, type ActOptions } from "../remote/act.ts";

/** See the file's comment. */
export function retryVerb(
  process: Process,
  targets: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  return act(process, "retry", targets, options);
}
