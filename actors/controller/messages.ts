/** The message protocol of the actors that act on committed effects: controller, scheduler, run. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Job } from "../job/record.ts";
import type { Told } from "./applied.ts";

const effect = z.custom<Told>((value) => typeof value === "object" && value !== null);
const job = z.custom<Job>((value) => typeof value === "object" && value !== null);

/** The controller of a group, on the leader. */
export const Controller = protocol("quorus.controller", {
  version: 1,
  messages: {
    /** The group has committed and applied these; in order. */
    committed: tell(z.object({ effects: z.array(effect) })),
    /** Takes a run up: one that was just created, or one that an earlier leader left. */
    takeUp: tell(z.object({ runId: z.string() })),
    /** Looks for parts of runs that were never started. */
    tidy: tell(z.object({})),
    /** Something that was committed did not find room: everything is derived from the state anew. */
    anew: tell(z.object({})),
  },
});

/** The scheduler: a singleton on the leader that only proposes. */
export const Scheduler = protocol("quorus.scheduler", {
  version: 1,
  messages: {
    committed: tell(z.object({ effects: z.array(effect) })),
    /** An agent has come, gone, or is suspected: what the fleet can take is to be looked at again. */
    fleetChanged: tell(z.object({})),
    /** Something did not find room here: what was missed is found in the state. */
    anew: tell(z.object({})),
    wake: tell(z.object({})),
    /** Why a job waits, for people; a job that does not wait says where it is. */
    explain: ask(z.object({ jobId: z.string() }), z.object({ lines: z.array(z.string()) })),
  },
});

/** The actor of one run. */
export const Run = protocol("quorus.run", {
  version: 1,
  messages: {
    /** Jobs of this run that have ended, or wait for a decision. */
    settled: tell(z.object({ jobs: z.array(job) })),
    /** Something did not find room here: which jobs have ended is found in the state. */
    anew: tell(z.object({})),
    /** The run's own time is over. */
    expire: tell(z.object({})),
  },
});
