/**
 * An attempt that is carried out on a Worker, as its agent sees it: an actor that speaks for it, finds it a
 * Worker, and lives as long as it does. A Worker that was lost ends its attempts as failed, to be tried
 * again, and not before its thread is certainly gone.
 */

import { actor } from "../../../runtime/actor/definition.ts";
import type { Context, TaskEnd } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import { failureOf } from "../../job/attempt.ts";
import { JobError } from "../../job/errors.ts";
import { reportEnd } from "../../job/job.ts";
import { Job } from "../../job/messages.ts";
import type { Job as JobRecord } from "../../job/record.ts";
import type { AttemptTools } from "../../job/tools.ts";
import type { Tally } from "../tally.ts";
import type { WorkerLife } from "./life.ts";
import type { Roster } from "./roster.ts";
import { unlessAborted } from "../../../runtime/base/unless_aborted.ts";

/** The name of an attempt's actor, here and on its Worker. */
export function attemptName({ id, lease }: JobRecord): string {
  return `${id}.${lease?.index}`;
}

/** What it is started with. */
export interface DistantJobArgs {
  readonly job: JobRecord;
  readonly tools: AttemptTools;
  readonly roster: Roster;
  readonly tally: Tally;
}

interface State extends DistantJobArgs {
  readonly name: string;
  life: WorkerLife | null;
  /** It may be at work on its Worker. */
  mayRun: boolean;
  /** Said before it had one. */
  unsaid: Word[];
  words: number;
}

type Word = { readonly how: "release" | "revoke"; readonly why: string };

/** Spawn it `temporary`: a new attempt needs a new lease. */
export const distantJob = actor(Job, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: DistantJobArgs, ctx: Context<typeof Job>): State => {
    const { job, roster } = args;
    ctx.task(PLACE, (signal) => roster.place(job.id, signal));
    return {
      ...{ ...args, name: attemptName(job), life: null, mayRun: false },
      ...{ unsaid: [], words: 0 },
    };
  },
  on: {
    look: () => {},
    release: (state, { why }, ctx) => say(state, { how: "release", why }, ctx),
    revoke: (state, { why }, ctx) => say(state, { how: "revoke", why }, ctx),
    progress: ({ life, name }, _, ctx) => {
      if (life === null) throw new JobError("workerLost", `${name} has no Worker yet`);
      const ref = ctx.ref(Job, `${life.bench.address}/${name}`);
      return later((signal) => ref.ask("progress", {}, { signal }));
    },
  },
  done: (state, task, ctx) => {
    if (task.name === PLACE) return placed(state, task, ctx);
    if (task.name === OVER) {
      if (!task.ok) ctx.log("error", "an attempt could not be reported", { job: state.job.id });
      return ctx.stop();
    }
    if (task.name === state.life?.id) carriedOut(state, task, ctx);
  },
  stopping: async ({ life, mayRun, job, name, roster }) => {
    if (mayRun) await life?.end(name, "its agent has let go of it");
    roster.finished(job.id);
  },
});

const PLACE = "place";
const OVER = "over";

function placed(state: State, task: TaskEnd, ctx: Context<typeof Job>): void {
  const { name, job, tools, unsaid } = state;
  if (!task.ok) return letGo(state, ctx);
  const life = state.life = task.value as WorkerLife;
  const withinMs = tools.limits.workerAnswerMs;
  state.mayRun = true;
  // The name of the task tells, to who inspects this node, where the attempt is.
  ctx.task(life.id, async (signal) => {
    await life.bench.ask("begin", { job }, { withinMs, signal });
    return await unlessAborted(signal, life.ended(name));
  });
  for (const word of unsaid) say(state, word, ctx);
}

/** Nothing was begun. */
function letGo({ unsaid, tools, job }: State, ctx: Context<typeof Job>): void {
  const { lease } = job;
  const why = unsaid[0]?.why ?? "its agent is stopping";
  ctx.task(OVER, async (signal) => {
    if (lease === null) return;
    await unlessAborted(signal, reportEnd(tools, job, { type: "release", lease, why }));
  });
}

/** What is said goes the way of `begin`, so that it comes after it. */
function say(state: State, word: Word, ctx: Context<typeof Job>): void {
  const { life, name } = state;
  if (life === null) {
    state.unsaid.push(word);
    ctx.abort(PLACE);
    return;
  }
  ctx.task(`say ${state.words += 1}`, (signal) => {
    return life.bench.send("letGo", { name, ...word }, { signal });
  });
}

function carriedOut(state: State, task: TaskEnd, ctx: Context<typeof Job>): void {
  const { life, name, job } = state;
  if (task.ok && task.value === "stopped") {
    state.mayRun = false;
    return ctx.stop();
  }
  ctx.log("warn", "an attempt was lost with its Worker", { job: job.id, worker: life!.id });
  ctx.task(OVER, async (signal) => {
    // For certain: what it has written may then be gone on with.
    await unlessAborted(signal, life!.end(name, "its agent has lost it"));
    state.mayRun = false;
    await unlessAborted(signal, reportLost(state));
  });
}

/** Where it has published already, the grant says so, and the next attempt looks. */
async function reportLost({ job, tools, tally, life }: State): Promise<void> {
  const { lease } = job;
  if (lease === null) return;
  const text = `the Worker ${life!.id} was lost while it carried "${job.spec.name}" out`;
  const error = new JobError("workerLost", text, { retryable: true, definite: false });
  tally.failed += 1;
  await reportEnd(tools, job, failureOf(tools.env, job, lease, error));
}
