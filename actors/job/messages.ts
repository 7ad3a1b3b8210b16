/** The message protocols of a job and of whoever follows jobs. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Progress } from "./meter.ts";
import type { Job as JobRecord } from "./record.ts";

/** One observation of a running attempt. */
export const progress: z.ZodType<Progress> = z.object({
  phase: z.enum(["opening", "keeping", "running", "verifying", "publishing"]),
  doneBytes: z.number(),
  totalBytes: z.number().nullable(),
  fetchedBytes: z.number(),
  keptBytes: z.number(),
  copiedBytes: z.number().optional(),
  bytesPerSecond: z.number(),
  etaMs: z.number().nullable(),
  files: z.object({ copied: z.number(), unchanged: z.number(), failed: z.number() }).optional(),
  atOnce: z.object({
    count: z.number(),
    most: z.number(),
    of: z.enum(["files", "ranges"]),
    why: z.string(),
  }).optional(),
});

/** What an agent may say to the actor of one attempt. */
export const Job = protocol("quorus.job", {
  version: 1,
  messages: {
    /** Look at the progress now and tell the feed. */
    look: tell(z.object({})),
    /** Let go at the next chunk and hand the lease back; the checkpoint is kept. */
    release: tell(z.object({ why: z.string() })),
    /** The lease is over: stop at once, publish nothing. */
    revoke: tell(z.object({ why: z.string() })),
    progress: ask(z.object({}), progress),
  },
});

/** What followers of jobs are told: changes of state always, progress at a bounded rate. */
export const JobFeed = protocol("quorus.feed", {
  version: 1,
  messages: {
    progress: tell(z.object({ jobId: z.string(), progress })),
    changed: tell(z.object({
      jobs: z.array(z.custom<JobRecord>((value) => typeof value === "object" && value !== null)),
    })),
  },
});
