/**
 * What agents say to controllers: every controller has a `fleet` actor, and takes everything; commands
 * go to the leader through the group, heartbeats are for the leader alone.
 */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import { heartbeat, registration } from "../agent/registration.ts";
import { progress } from "../job/messages.ts";
import type { Job } from "../job/record.ts";
import { jobEvent } from "../controller/commands.ts";

/** Where the actor is, on every controller. */
export const FLEET_PATH = "fleet";

/** Who leads, as this controller knows it; `term` grows. */
const leadership = z.object({ leader: z.string().nullable(), term: z.number().int() });

/** What a controller answers to a registration; an agent that is refused has to be changed. */
const registered = leadership.extend({
  refused: z.string().nullable(),
  /** How often it is to send a heartbeat. */
  heartbeatMs: z.number().int().positive(),
});

const job = z.custom<Job>((value) => typeof value === "object" && value !== null);

export const Fleet = protocol("quorus.fleet", {
  version: 1,
  messages: {
    /** Takes an agent into the cluster; answered once that is committed. Repeating it is harmless. */
    register: ask(registration, registered),
    /** How an agent is; the answer says where the next one should go. */
    heartbeat: ask(
      heartbeat,
      // `known`: false where this cluster has no such agent in that life, so that it registers again.
      leadership.extend({ known: z.boolean().optional() }),
    ),
    /**
     * Commits what happened to jobs, in order; for each why it did not hold, empty if it did. Repeating
     * it is harmless: what was taken is taken once.
     */
    report: ask(
      z.object({
        agentId: z.string(),
        events: z.array(z.object({ jobId: z.string(), event: jobEvent })).max(1_024),
      }),
      z.object({ refused: z.array(z.array(z.string())) }),
    ),
    /** How far attempts are, of leases that the sender holds; for whoever watches, never committed. */
    progress: tell(z.object({
      jobs: z.array(z.object({
        jobId: z.string(),
        progress,
      })).max(1_024),
    })),
    /**
     * An agent asks whether it is to read the source of a job for `writer`: the job, if that one has the
     * lease and the sender is named in it; null as far as this controller knows.
     */
    relayed: ask(
      z.object({ jobId: z.string(), leaseIndex: z.number().int(), writer: z.string() }),
      z.object({ job: job.nullable() }),
    ),
    /** The holder of a lease cannot link with the agent that reads for it: that one is told to dial. */
    summon: ask(
      z.object({ jobId: z.string(), leaseIndex: z.number().int() }),
      z.object({ isTold: z.boolean() }),
    ),
    /** The agent takes no new jobs, or leaves for good once it has none. */
    leave: ask(
      z.object({ agentId: z.string(), why: z.string(), deregister: z.boolean() }),
      z.object({ refused: z.array(z.string()) }),
    ),
  },
});
