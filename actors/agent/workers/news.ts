/** A Worker's feed: collects how far its attempts are, and tells the agent at a bounded rate. */

import { actor } from "../../../runtime/actor/definition.ts";
import type { Context } from "../../../runtime/actor/definition.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { JobFeed } from "../../job/messages.ts";
import type { Progress } from "../../job/meter.ts";
import type { Keeper, WorkerCounts } from "./messages.ts";

/** What it is started with. */
export interface NewsArgs {
  readonly keeper: Ref<typeof Keeper>;
  readonly everyMs: number;
  /** What the Worker has counted so far. */
  readonly counts: () => WorkerCounts;
}

interface State extends NewsArgs {
  readonly latest: Map<string, Progress>;
  told: string;
}

/** One per Worker. */
export const news = actor(JobFeed, {
  mailbox: { capacity: 4_096, full: "drop" },
  state: (args: NewsArgs, ctx: Context<typeof JobFeed>): State => {
    // Nobody of a Worker says this: an empty change is the tick.
    ctx.every("tell", args.everyMs, "changed", { jobs: [] });
    return { ...args, latest: new Map(), told: "" };
  },
  on: {
    progress: (state, { jobId, progress }) => {
      state.latest.set(jobId, progress);
    },
    changed: (state) => tell(state),
  },
});

function tell(state: State): void {
  const { latest, keeper } = state;
  const counts = state.counts();
  const text = JSON.stringify(counts);
  if (latest.size === 0 && text === state.told) return;
  const jobs = [...latest].map(([jobId, progress]) => ({ jobId, progress }));
  latest.clear();
  // What is not taken is told with the next one: counts are sums, and progress is soon old.
  if (keeper.tell("news", { jobs, counts }) === "accepted") state.told = text;
}
