/**
 * A job that is tried again as another one goes on with what the earlier one has left. Temporary files are
 * moved from one record to the other, so that two jobs never have the same; the new one seizes them and
 * copies what was verified (DESIGN 7.4), whoever may still be at work there.
 */

import { FINAL_STATES, type Job, mayHaveLeft, type Temporary } from "../job/record.ts";
import type { Run, State } from "./state.ts";

/** The ended job whose files are of use for a job that is submitted now; null: there is none. */
export function leftFor(state: State, run: Run, job: Job): Job | null {
  if (run.goesOn !== true || run.retryOf === undefined) return null;
  const earlier = state.jobs.get(jobIdOf(state, run.retryOf, job.spec.name));
  if (earlier === undefined || earlier.tenant !== job.tenant) return null;
  if (!FINAL_STATES.has(earlier.state) || !mayHaveLeft(earlier)) return null;
  // Of a set every file is looked at anyway.
  if (earlier.set !== undefined || job.set !== undefined) return null;
  const isSame = earlier.spec.source.uri === job.spec.source.uri &&
    earlier.spec.destination.uri === job.spec.destination.uri;
  return isSame ? earlier : null;
}

/** Of a run, the job of the transfer with that name. */
function jobIdOf({ runs }: State, retryOf: string, name: string): string {
  return runs.get(retryOf)?.jobs.get(name) ?? retryOf;
}

/** The job with what the earlier one has left, where that lies. */
export function goingOn(job: Job, { id, adoptable, stale, progressed, volumes }: Job): Job {
  const taken = [...stale, ...adoptable].map(unknownWriter);
  return {
    ...job,
    ...(volumes === undefined ? {} : { volumes }),
    stale: taken,
    progressed,
    goesOnWith: id,
  };
}

/** Leases of another job are nobody's here: none of them is handed back. */
function unknownWriter({ temp, agent = "" }: Temporary): Temporary {
  return { temp, leaseIndex: 0, agent };
}

/** The earlier job, which has nothing left. */
export function withoutLeft(job: Job, version: number): Job {
  return { ...job, adoptable: [], stale: [], progressed: null, version };
}
