/** Why a job is where it is: from its record, and from the scheduler where it waits for an agent. */

import type { Ref } from "../../runtime/actor/ref.ts";
import type { Scheduler } from "../controller/messages.ts";
import type { Replica } from "../controller/replica.ts";
import type { Board } from "../fleet/board.ts";
import { isWaiting } from "../controller/state.ts";
import type { Job } from "../job/record.ts";

/** Lines for people; where the leader cannot be asked, one says so. */
export async function explainJob(
  { leader }: Pick<Replica, "leader">,
  scheduler: (leader: string) => Ref<typeof Scheduler>,
  job: Job,
  board: Pick<Board, "progress">,
): Promise<readonly string[]> {
  const known = [...recordLines(job), ...atOnceLines(job, board)];
  if (!isWaiting(job)) return known;
  if (leader === null) return [...known, "no controller leads: nothing is assigned until one does"];
  try {
    const { lines } = await scheduler(leader).ask("explain", { jobId: job.id });
    return [...known, ...lines];
  } catch {
    return [...known, `controller ${leader} leads and did not say why it waits: ask again`];
  }
}

/** How many files or ranges at a time, as its agent has told last. */
function atOnceLines({ id, lease }: Job, board: Pick<Board, "progress">): string[] {
  const atOnce = lease === null ? undefined : board.progress(id)?.progress.atOnce;
  return atOnce === undefined ? [] : [`${atOnce.why} (at most ${atOnce.most})`];
}

function recordLines(job: Job): string[] {
  const lines = [`${job.state}: ${job.why}`];
  const { lease, grant, error, failures, stale, intent } = job;
  if (intent !== "run") lines.push(`its owner wants it to ${intent}`);
  if (lease !== null) lines.push(`attempt ${job.attempts} on ${lease.agent}, lease ${lease.index}`);
  if (grant !== null) lines.push(`may publish ${grant.finalName} (lease ${grant.leaseIndex})`);
  if (error !== null) lines.push(`${failures} failures, the last: ${error.message}`);
  if (stale.length > 0) {
    lines.push(`${stale.length} temporary files of lost leases are seized before it publishes`);
  }
  return lines;
}
