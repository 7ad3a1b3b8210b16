/** `quorus pause TARGET...`: stops runs or jobs at the next chunk and keeps their checkpoints. */

import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { act, type ActOptions } from "../remote/act.ts";

/** See the file's comment. */
export function pauseVerb(
  process: Process,
  targets: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  return act(process, "pause", targets, options);
}
