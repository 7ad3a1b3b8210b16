/** The message protocols of an agent. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Job } from "../job/record.ts";

const job = z.custom<Job>((value) => typeof value === "object" && value !== null);

/** A lease by what identifies it among those of one agent. */
const leaseOf = z.object({ jobId: z.string(), leaseIndex: z.number().int() });
export type LeaseOf = z.infer<typeof leaseOf>;

/** An action that touches files. */
const action = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("cleanup"),
    target: z.string(),
    retentionDays: z.number().nonnegative(),
  }),
  z.object({ type: z.literal("rollback"), strategy: z.literal("deletePartial") }),
]);

const byName = z.record(z.string(), z.number().positive());

/**
 * Bytes per second: of the rules, and of what of them is its own where it shares them; what neither names is
 * free.
 */
export const bandwidth = z.object({ rules: byName, shares: byName });
export type Bandwidth = z.infer<typeof bandwidth>;

/** Where the actor is, on every agent. */
export const AGENT_PATH = "agent";

/** What a controller says to an agent. */
export const Agent = protocol("quorus.agent", {
  version: 1,
  messages: {
    /**
     * Leases that were committed for this agent: start their attempts. One that it works on or has
     * finished is not started again; an older one of the same job ends first.
     */
    assign: tell(z.object({ jobs: z.array(job) })),
    /** Let these jobs go: paused, cancelled, or the node is about to stop. */
    release: tell(z.object({ jobIds: z.array(z.string()), why: z.string() })),
    /** These leases are over: stop at once, publish nothing, and hand them back. */
    revoke: tell(z.object({ leases: z.array(leaseOf), why: z.string() })),
    /** What its transfers may use of the bandwidth from now on. */
    rates: tell(bandwidth),
    /** Time to divide that among its threads. */
    divide: tell(z.object({})),
    /** Link with this agent, which waits to have a source read and cannot dial. */
    call: tell(z.object({ node: z.string(), url: z.string().max(512) })),
    /** Take no jobs any more, and let all go. */
    close: tell(z.object({ why: z.string() })),
    /** The leases that this agent works on. */
    leases: ask(z.object({}), z.array(leaseOf)),
    /** Perform an action of a run, beside everything else. Repeating it is harmless. */
    perform: ask(
      z.object({ action, failedJobs: z.array(job) }),
      z.record(z.string(), z.union([z.number(), z.boolean()])),
    ),
  },
});
