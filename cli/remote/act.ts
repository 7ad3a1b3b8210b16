/** The verbs that tell runs and jobs what to do. */

import type { QuorusClient } from "../../client.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { type RemoteOptions, withRemote } from "./session.ts";
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
      await ask(quorus, action, target, { signal, why: options.why });
      process.out(`${target.kind} ${target.id}: ${DONE[action]}\n`);
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

async function ask(
  quorus: QuorusClient,
  action: Action,
  { kind, id }: Target,
  options: { readonly signal: AbortSignal; readonly why: string | undefined },
): Promise<void> {
  if (action === "retry") {
    if (kind === "job") return void await quorus.jobs.retry(id, options);
    throw new CliError(
      "usage",
      `cannot retry run ${id}: jobs are retried; quorus get jobs --run ${id} lists them`,
    );
  }
  await (kind === "run" ? quorus.runs : quorus.jobs)[action](id, options);
}
