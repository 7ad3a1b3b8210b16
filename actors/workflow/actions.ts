/** What a run does at its end: `notify`, `cleanup`, `rollback`. A failed action never fails the run. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Action, StepResults } from "../../workflows/plan.ts";
import { resolveAction, type ResolvedAction, type RunFailure } from "../../workflows/resolve.ts";
import { openEnds } from "../job/ends.ts";
import type { Job } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import { cleanUp } from "./cleanup.ts";

/** What actions work with. */
export interface ActionContext {
  readonly results: StepResults;
  readonly failure: RunFailure | null;
  /** Jobs that have ended without success. */
  readonly failedJobs: readonly Job[];
  readonly tools: AttemptTools;
  readonly signal: AbortSignal;
}

/** Performs the actions in order; each outcome is logged. */
export async function performActions(
  actions: readonly Action[],
  context: ActionContext,
): Promise<void> {
  const { log } = context.tools.env;
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
  const { env } = context.tools;
  switch (action.type) {
    case "notify":
      env.log.write("info", "notify", { target: action.target, message: action.message });
      return;
    case "cleanup": {
      const cleaned = await cleanUp(env, action, context);
      env.log.write("info", "cleaned up", { target: action.target, ...cleaned });
      return;
    }
    case "rollback":
      for (const job of context.failedJobs) await deletePartial(job, context.tools);
      env.log.write("info", "rolled back", { jobs: context.failedJobs.length });
  }
}

/** Removes the temporary files and the checkpoint of a job that has not succeeded. */
async function deletePartial(job: Job, tools: AttemptTools): Promise<void> {
  const checkpoint = await tools.checkpoints.load(job.id);
  const ends = await openEnds(job.spec, tools);
  try {
    const temps = new Set(job.adoptable.map(({ temp }) => temp));
    if (checkpoint !== null) temps.add(checkpoint.temp);
    for (const temp of temps) await ends.sink.abort(temp);
  } finally {
    await ends.close();
  }
  await tools.checkpoints.drop(job.id);
}
