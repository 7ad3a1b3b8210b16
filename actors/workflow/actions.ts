/** What a run does at its end: `notify`, `cleanup`, `rollback`. A failed action never fails the run. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { LogPort } from "../../runtime/env/env.ts";
import type { Action, StepResults } from "../../workflows/plan.ts";
import { resolveAction, type ResolvedAction, type RunFailure } from "../../workflows/resolve.ts";
import type { Job } from "../job/record.ts";

/** An action that touches files. */
export type FileAction = Exclude<ResolvedAction, { readonly type: "notify" }>;

/** What a performed action tells, for the log. */
export type ActionFacts = Readonly<Record<string, number | boolean>>;

/** Performs actions where the files are: on this node, or on an agent of the cluster. */
export interface Actions {
  /** `failedJobs`: those that have ended without success. Repeating an action is harmless. */
  perform(
    action: FileAction,
    failedJobs: readonly Job[],
    signal: AbortSignal,
  ): Promise<ActionFacts>;
}

/** What actions work with. */
export interface ActionContext {
  readonly results: StepResults;
  readonly failure: RunFailure | null;
  /** Jobs that have ended without success. */
  readonly failedJobs: readonly Job[];
  readonly actions: Actions;
  readonly log: LogPort;
  readonly signal: AbortSignal;
}

const DONE: Readonly<Record<FileAction["type"], string>> = {
  cleanup: "cleaned up",
  rollback: "rolled back",
};

/** Performs the actions in order; each outcome is logged. */
export async function performActions(
  actions: readonly Action[],
  context: ActionContext,
): Promise<void> {
  const { log } = context;
  for (const action of actions) {
    try {
      const resolved = resolveAction(action, context.results, context.failure);
      await perform(resolved, context);
    } catch (error) {
      log.write("error", `the ${action.type} action failed`, { why: messageOf(error) });
    }
  }
}

async function perform(action: ResolvedAction, context: ActionContext): Promise<void> {
  const { log, failedJobs, signal } = context;
  if (action.type === "notify") {
    log.write("info", "notify", { target: action.target, message: action.message });
    return;
  }
  const facts = await context.actions.perform(action, failedJobs, signal);
  const target = action.type === "cleanup" ? { target: action.target } : {};
  log.write("info", DONE[action.type], { ...target, ...facts });
}
