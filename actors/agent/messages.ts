/** The message protocol of an agent. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Job } from "../job/record.ts";

const job = z.custom<Job>((value) => typeof value === "object" && value !== null);

/** What a controller says to an agent. */
export const Agent = protocol("quorus.agent", {
  version: 1,
  messages: {
    /** Leases that were committed for this agent: start their attempts. */
    assign: tell(z.object({ jobs: z.array(job) })),
    /** Let these jobs go: paused, cancelled, or the node is about to stop. */
    release: tell(z.object({ jobIds: z.array(z.string()), why: z.string() })),
    /** The leases that this agent works on. */
    leases: ask(
      z.object({}),
      z.array(z.object({ jobId: z.string(), leaseIndex: z.number().int() })),
    ),
  },
});
