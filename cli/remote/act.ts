/** The verbs that tell runs and jobs what to do. */

import { EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "./session.ts";
import { clean } from "../show/text.ts";
import { type Target, targetOf } from "./target.ts";

/** What may be asked of a run or a job. */
export type Action = "pause" | "resume" | "cancel" | "retry";

/** The options of these verbs. */
export interface ActOptions extends RemoteOptions {
  readonly why?: string;
}

/** One target after the other; the first that is refused is the last. */
export async function act(
  process: Process,
  action: Action,
  targets: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  return await withRemote(process, options, async ({ quorus, signal }) => {
    for (const text of targets) {
      const target = await targetOf(quorus, text, signal);
      const calls = target.kind === "run" ? quorus.runs : quorus.jobs;
      const { href } = await calls[action](target.id, { signal, why: options.why });
      process.out(`${target.kind} ${target.id}: ${became(action, target, href)}\n`);
    }
    return EXIT.ok;
  });
}

/** It is decided, and happens soon. */
const DONE: Readonly<Record<Action, string>> = {
  pause: "will be paused at the next chunk; quorus resume lets it go on",
  resume: "goes on",
  cancel: "is being cancelled; what was published stays",
  retry: "will be tried again",
};

/** What has ended is tried again as something new, which `href` names. */
function became(action: Action, { kind, id }: Target, href: string | null): string {
  const named = clean(href?.split("/").at(-1) ?? id);
  if (named === id) return DONE[action];
  const shown = kind === "run" ? `watch ${named}` : `describe job ${named}`;
  return `is tried again as ${kind} ${named}; quorus ${shown} shows it`;
}
