/** `quorus resume TARGET...`: lets paused runs or jobs go on. */

import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { act, type ActOptions } from "../remote/act.ts";

/** See the file's comment. */
export function resumeVerb(
  process: Process,
  targets: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  return act(process, "resume", targets, options);
}
