/**
 * The keeper of one Worker: starts it, takes what it has to say, and fails when it ends by itself, so that
 * its supervisor starts it again, after a pause and not too often.
 */

import { actor } from "../../../runtime/actor/definition.ts";
import type { Context } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { KvEntry, KvMutation, KvRange, KvStore } from "../../../runtime/env/env.ts";
import type { LinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { JobFeed } from "../../job/messages.ts";
import type { AttemptTools } from "../../job/tools.ts";
import { AgentError } from "../errors.ts";
import type { Reported } from "../outbox.ts";
import type { Tally } from "../tally.ts";
import { type LifePlan, startLife, type WorkerLife } from "./life.ts";
import { Keeper, type WorkerCounts } from "./messages.ts";
import type { Roster } from "./roster.ts";
import { unlessAborted } from "../../../runtime/base/unless_aborted.ts";

/** What the Workers of an agent share with it. */
export interface KeepersShare {
  readonly node: LinkedNode;
  readonly roster: Roster;
  /** Those of the agent itself: what is reported goes this way. */
  readonly tools: AttemptTools;
  readonly keys: () => Promise<KvStore>;
  readonly tally: Tally;
  readonly feed: Ref<typeof JobFeed> | null;
}

/** What a keeper is started with. */
export interface KeeperArgs extends KeepersShare {
  readonly plan: Omit<LifePlan, "opening"> & {
    readonly opening: Omit<LifePlan["opening"], "keeper">;
  };
  /** Told how each start went. */
  readonly started: (error: unknown) => void;
}

interface State extends KeeperArgs {
  life: WorkerLife | null;
  reports: number;
}

/** One per Worker; to be spawned `permanent`. */
export const keeper = actor(Keeper, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: (args: KeeperArgs, ctx: Context<typeof Keeper>): State => {
    const { node, tools, plan } = args;
    const opening = { ...plan.opening, keeper: ctx.self.address };
    ctx.task("start", async (signal) => {
      const life = await startLife(node, { ...plan, opening }, tools.limits);
      // Told to stop meanwhile: nobody else knows of this Worker.
      if (signal.aborted) await life.stop();
      signal.throwIfAborted();
      return life;
    });
    return { ...args, life: null, reports: 0 };
  },
  on: {
    report: (state, { report, jobId, event }, ctx) => {
      const { life } = state;
      if (life === null) return;
      // In the outbox at once: reports keep their order.
      const taken = state.tools.propose({ type: "jobEvent", jobId, event: event as Event });
      ctx.task(`report ${state.reports += 1}`, async (signal) => {
        const refused = await unlessAborted(signal, taken).then((all) => [...all], () => null);
        signal.throwIfAborted();
        await life.bench.send("answered", { report, refused }, { signal });
      });
    },
    news: (state, { jobs, counts }) => {
      for (const one of jobs) {
        state.life?.progressed(one.jobId, one.progress);
        state.feed?.tell("progress", one);
      }
      add(state, counts);
    },
    get: ({ keys }, { key }) => later(async () => await (await keys()).get(key)),
    commit: (state, { mutations, checks }) =>
      later(() =>
        metered(state, mutations, async () => (await state.keys()).commit(mutations, checks))
      ),
    list: ({ keys }, { prefix, start, limit, reverse }) =>
      later(async () =>
        await listed(await keys(), {
          ...{ prefix, limit, reverse },
          ...(start === null ? {} : { start }),
        })
      ),
  },
  done: (state, task, ctx) => {
    if (task.name === "start") {
      state.started(task.ok ? null : task.error);
      if (!task.ok) throw task.error;
      const life = state.life = task.value as WorkerLife;
      state.roster.up(life);
      ctx.log("info", "a Worker takes transfers", { worker: life.id });
      return void ctx.task("watch", (signal) => unlessAborted(signal, life.gone));
    }
    if (task.name !== "watch" || !task.ok) return;
    throw new AgentError("worker", `the Worker ${state.life?.id} has ended by itself`);
  },
  stopping: async ({ roster, plan, life }) => {
    roster.down(plan.id);
    await life?.stop();
  },
});

type Event = Reported["event"];

/** Adds what it has done since it told the last time. */
function add({ roster, plan, tally }: State, counts: WorkerCounts): void {
  const before = roster.counted(plan.id, counts);
  tally.completed += counts.completed - (before?.completed ?? 0);
  tally.failed += counts.failed - (before?.failed ?? 0);
  tally.bytesTransferred += counts.bytesTransferred - (before?.bytesTransferred ?? 0);
  tally.meter.chunks.addData(counts.chunks, before?.chunks ?? null);
  tally.meter.ways.addChanges(counts.atOnce, before?.atOnce ?? null);
  tally.lastCompletionMs = Math.max(tally.lastCompletionMs ?? 0, counts.lastCompletionMs ?? 0) ||
    null;
}

/** Saves of checkpoints are counted as those of the agent's own thread are. */
async function metered<T>(
  { tally, tools }: State,
  mutations: readonly KvMutation[],
  commit: () => Promise<T>,
): Promise<T> {
  const { clock } = tools.env;
  const isSave = mutations.some(({ type }) => type === "set");
  const beganMs = clock.monotonic();
  const count = (outcome: "durable" | "failed") => {
    if (isSave) tally.meter.saved(clock.monotonic() - beganMs, outcome);
  };
  try {
    const done = await commit();
    count("durable");
    return done;
  } catch (error) {
    count("failed");
    throw error;
  }
}

async function listed(keys: KvStore, range: KvRange): Promise<KvEntry[]> {
  const entries: KvEntry[] = [];
  for await (const entry of keys.list(range)) entries.push(entry);
  return entries;
}
