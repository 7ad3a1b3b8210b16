/** The actor of a Worker that carries out the attempts it is given, one child actor each. */

import { actor } from "../../../runtime/actor/definition.ts";
import type { Context } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { DiskLock } from "../../../runtime/env/env.ts";
import { ChunkTimes } from "../../job/chunk_times.ts";
import { job } from "../../job/job.ts";
import type { Job, JobFeed } from "../../job/messages.ts";
import type { AttemptTools } from "../../job/tools.ts";
import { rateOf } from "../own_rates.ts";
import { AgentError } from "../errors.ts";
import { Tally } from "../tally.ts";
import { attemptName } from "./distant_job.ts";
import { Bench, Keeper, type Opening } from "./messages.ts";
import { news } from "./news.ts";
import { Reports } from "./reports.ts";
import { type WorkerOwn, workerTools } from "./tools.ts";

/** What a bench is started with. */
export interface BenchArgs {
  /** From `own` of what the Worker is told first. */
  readonly make: (own: unknown) => WorkerOwn | Promise<WorkerOwn>;
}

interface Open {
  readonly lock: DiskLock;
  readonly tools: AttemptTools;
  readonly reports: Reports;
  readonly feed: Ref<typeof JobFeed>;
}

interface State extends BenchArgs {
  readonly tally: Tally;
  open: Open | null;
  readonly attempts: Map<string, Ref<typeof Job>>;
  /** Who waits for the end of an attempt, by its name. */
  readonly waiting: Map<string, () => void>;
}

/** One per Worker, which is of no use without it. */
export const bench = actor(Bench, {
  mailbox: { capacity: 4_096, full: "wait" },
  children: { strategy: "oneForOne" },
  state: (args: BenchArgs): State => ({
    ...args,
    tally: new Tally(),
    open: null,
    attempts: new Map(),
    waiting: new Map(),
  }),
  on: {
    open: (state, opening, ctx) => later(() => open(state, opening, ctx)),
    begin: (state, { job: assigned }, ctx) => {
      const { tools, feed } = opened(state);
      const name = attemptName(assigned);
      const args = { job: assigned, tools, feed, tally: state.tally };
      const ref = ctx.spawn(job, { name, restart: "temporary", args });
      ctx.watch(ref);
      state.attempts.set(name, ref);
      return {};
    },
    letGo: (state, { name, how, why }) => {
      state.attempts.get(name)?.tell(how, { why });
    },
    rates: (state, told) => state.open?.tools.throttles?.set((name) => rateOf(told, name)),
    end: (state, { name, why }) => {
      const attempt = state.attempts.get(name);
      if (attempt === undefined) return {};
      attempt.tell("revoke", { why });
      return later(async () => {
        await new Promise<void>((resolve) => state.waiting.set(name, resolve));
        return {};
      });
    },
    answered: (state, { report, refused }) => state.open?.reports.answered(report, refused),
  },
  ended: (state, { ref }) => {
    const name = ref.address.slice(ref.address.lastIndexOf("/") + 1);
    state.attempts.delete(name);
    state.waiting.get(name)?.();
    state.waiting.delete(name);
  },
});

/** The lock is never released: that this thread is gone is what its being free says. */
async function open(
  state: State,
  opening: Opening,
  ctx: Context<typeof Bench>,
): Promise<Record<string, never>> {
  const lock = await ctx.env.disk.tryLock(opening.lock);
  if (lock === null) {
    throw new AgentError("locked", `cannot work: an earlier Worker still has ${opening.lock}`);
  }
  const keeper = ctx.ref(Keeper, opening.keeper);
  const reports = new Reports(keeper);
  const made = workerTools(ctx.env, opening, await state.make(opening.own), keeper, reports);
  const { tally } = state;
  const { chunks, ways } = tally.meter;
  const tools = { ...made, ways, chunks: new ChunkTimes(ctx.env.clock, chunks) };
  const { buffers } = tools;
  const counts = () => ({
    completed: tally.completed,
    failed: tally.failed,
    bytesTransferred: tally.bytesTransferred,
    lastCompletionMs: tally.lastCompletionMs,
    lentBytes: buffers.lent * buffers.slotBytes,
    chunks: { counts: [...chunks.data().counts], sum: chunks.sum },
    atOnce: ways.counts,
  });
  const args = { keeper, everyMs: opening.limits.progressMs, counts };
  const feed = ctx.spawn(news, { name: "news", restart: "permanent", args });
  state.open = { lock, tools, reports, feed };
  return {};
}

function opened({ open }: State): Open {
  if (open !== null) return open;
  throw new AgentError("worker", "cannot begin an attempt: this Worker was told nothing yet");
}
