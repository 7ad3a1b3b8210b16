/** The jobs with which a run begins, where its plan alone tells them: they need no actor of the run. */

import { Frontier } from "../../workflows/frontier.ts";
import type { Plan } from "../../workflows/plan.ts";
import type { Command } from "../controller/commands.ts";
import { isComplete } from "./complete.ts";

type Submissions = (Command & { type: "submitJobs" })["jobs"];

/** More than so many are submitted by the run's actor: the command is to stay short. */
const MOST = 64;

/** The id of the job of a transfer, by its place in the plan. */
export function jobIdOf(runId: string, transfer: number): string {
  return `${runId}-${transfer + 1}`;
}

/** Empty where any of them has a condition, or waits for what its run finds out. */
export function firstJobs(runId: string, plan: Plan): Submissions {
  const { start, skip } = new Frontier(plan).begin();
  if (skip.length > 0 || start.length > MOST) return [];
  const places = new Map(plan.transfers.map(({ name }, index) => [name, index]));
  const jobs: Submissions = [];
  for (const name of start) {
    const transfer = places.get(name)!;
    const { condition, template } = plan.transfers[transfer]!;
    if (condition !== null || !isComplete(template)) return [];
    jobs.push({ jobId: jobIdOf(runId, transfer), transfer });
  }
  return jobs;
}
