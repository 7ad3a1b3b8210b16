/**
 * The actor of one attempt: a thin shell around `runAttempt`. It lives as long as its lease, tells
 * its progress, commits how it ended, and stops.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { runAttempt } from "./attempt.ts";
import type { JobEvent } from "./lifecycle.ts";
import { Job, type JobFeed } from "./messages.ts";
import { Meter } from "./meter.ts";
import type { Job as JobRecord } from "./record.ts";
import { type AttemptTools, Released } from "./tools.ts";

/** What the actor of an attempt is started with. */
export interface JobArgs {
  readonly job: JobRecord;
  readonly tools: AttemptTools;
  /** Who is told about progress. */
  readonly feed: Ref<typeof JobFeed> | null;
}

interface State extends JobArgs {
  readonly meter: Meter;
  /** The last phase that was proposed. */
  told: "running" | "verifying" | null;
}

/** One attempt of one job; spawn it `temporary`: a new attempt needs a new lease. */
export const job = actor(Job, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: JobArgs, ctx: Context<typeof Job>): State => {
    const meter = new Meter(ctx.env.clock);
    const { job, tools } = args;
    ctx.task("attempt", async (signal) => {
      if (job.lease === null) return;
      const event = await runAttempt(tools, job, job.lease, meter, signal);
      await tools.propose({ type: "jobEvent", jobId: job.id, event: asCommand(event) });
    });
    ctx.every("look", tools.limits.progressMs, "look", {});
    return { ...args, meter, told: null };
  },
  on: {
    look: (state, _, ctx) => {
      if (state.meter.phase === "opening") return;
      state.feed?.tell("progress", { jobId: state.job.id, progress: state.meter.read() });
      tellPhase(state, ctx);
    },
    release: (_, { why }, ctx) => {
      ctx.abort("attempt", new Released(why));
    },
    progress: (state) => state.meter.read(),
  },
  done: (state, task, ctx) => {
    if (task.name !== "attempt") return;
    if (!task.ok) ctx.log("error", "an attempt could not be reported", { job: state.job.id });
    ctx.stop();
  },
});

/** Commits that the attempt runs or verifies; one that is over before it was looked at needs neither. */
function tellPhase(state: State, ctx: Context<typeof Job>): void {
  const { job, tools, meter } = state;
  const { lease } = job;
  const phase = meter.phase === "verifying" ? "verifying" : "running";
  if (lease === null || state.told === phase || meter.phase === "publishing") return;
  state.told = phase;
  const event = { type: "phase", lease, phase } as const;
  ctx.task(`phase-${phase}`, () => tools.propose({ type: "jobEvent", jobId: job.id, event }));
}

/** Attempts never make the events that only `apply` or an operator makes. */
function asCommand(event: JobEvent): Exclude<JobEvent, { type: "assign" }> {
  if (event.type === "assign") throw new TypeError("an attempt does not assign");
  return event;
}
