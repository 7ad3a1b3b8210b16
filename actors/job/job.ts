/**
 * The actor of one attempt: a thin shell around `runAttempt`. It lives as long as its lease, tells
 * its progress, commits how it ended, and stops. A lease that turns out to be over ends it at once; it
 * hands back what it had, so that nobody has to wonder whether it is still at work.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { assert } from "../../runtime/base/assert.ts";
import type { LogPort } from "../../runtime/env/env.ts";
import { withFacts } from "../../runtime/telemetry/log_facts.ts";
import { runAttempt } from "./attempt.ts";
import type { JobEvent } from "./lifecycle.ts";
import { Job, type JobFeed } from "./messages.ts";
import { Meter } from "./meter.ts";
import { openSink } from "./ends.ts";
import { type Job as JobRecord, type Lease, temporaryName } from "./record.ts";
import { quietly } from "./tidy.ts";
import { runSet } from "../set/attempt.ts";
import { sweepSet } from "../set/sweep.ts";
import type { Tally } from "../agent/tally.ts";
import type { Command } from "../controller/commands.ts";
import { originFacts } from "../controller/origin.ts";
import { type AttemptTools, Elsewhere, Released, Revoked } from "./tools.ts";

/** What the actor of an attempt is started with. */
export interface JobArgs {
  readonly job: JobRecord;
  readonly tools: AttemptTools;
  /** Who is told about progress. */
  readonly feed: Ref<typeof JobFeed> | null;
  readonly tally: Tally;
  /** Starts, as a child, who sees to it where the file is longer than what is carried out here. */
  readonly elsewhere?: (ctx: Context<typeof Job>) => Ref<typeof Job>;
}

interface State extends JobArgs {
  readonly meter: Meter;
  /** The last phase that was proposed. */
  told: "running" | "verifying" | null;
  /** Bytes that the tally knows of. */
  toldBytes: number;
  /** Who sees to it now. */
  away: Ref<typeof Job> | null;
  /** Said to the attempt so far. */
  readonly said: { readonly how: "release" | "revoke"; readonly why: string }[];
}

/** One attempt of one job; spawn it `temporary`: a new attempt needs a new lease. */
export const job = actor(Job, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: JobArgs, ctx: Context<typeof Job>): State => {
    const meter = new Meter(ctx.env.clock);
    const { job } = args;
    const tools = withLog(args.tools, withFacts(args.tools.env.log, factsOf(job)));
    const self = ctx.self;
    const watched = watching(tools, (why) => self.tell("revoke", { why }));
    ctx.task("attempt", async (signal) => {
      if (job.lease === null) return;
      tools.env.log.write("debug", "an attempt begins", { attempt: job.attempts });
      const event = await tracedAttempt(watched, job, job.lease, meter, signal).catch(passAway);
      if (event === null) return AWAY;
      tellEnd(tools, job, event, meter);
      count(args.tally, event, tools.env.clock.now());
      await reportEnd(tools, job, asCommand(event));
    });
    ctx.every("look", tools.limits.progressMs, "look", {});
    return { ...args, tools: watched, meter, told: null, toldBytes: 0, away: null, said: [] };
  },
  on: {
    look: (state, _, ctx) => {
      tallyBytes(state);
      if (state.meter.phase === "opening") return;
      state.feed?.tell("progress", { jobId: state.job.id, progress: state.meter.read() });
      tellPhase(state, ctx);
    },
    release: (state, { why }, ctx) => {
      say(state, "release", why);
      ctx.abort("attempt", new Released(why));
    },
    revoke: (state, { why }, ctx) => {
      say(state, "revoke", why);
      ctx.abort("attempt", new Revoked(why));
    },
    progress: ({ meter, away }) =>
      away === null ? meter.read() : later((signal) => away.ask("progress", {}, { signal })),
  },
  done: (state, task, ctx) => {
    if (task.name !== "attempt") return;
    tallyBytes(state);
    if (task.ok && task.value === AWAY) return goAway(state, ctx);
    if (!task.ok) ctx.log("error", "an attempt could not be reported", factsOf(state.job));
    ctx.stop();
  },
  ended: (_, { reason, error }, ctx) => {
    if (reason !== "stopped") throw error;
    ctx.stop();
  },
});

/** What an attempt comes to that has to be made elsewhere. */
const AWAY = "elsewhere";

function passAway(error: unknown): null {
  if (error instanceof Elsewhere) return null;
  throw error;
}

/** From now on this actor only passes on what it is told. */
function goAway(state: State, ctx: Context<typeof Job>): void {
  ctx.cancel("look");
  assert(state.elsewhere !== undefined, "who bounds what is carried out here says where else");
  state.away = state.elsewhere(ctx);
  ctx.watch(state.away);
  for (const { how, why } of state.said) state.away.tell(how, { why });
}

function say({ away, said }: State, how: "release" | "revoke", why: string): void {
  said.push({ how, why });
  away?.tell(how, { why });
}

/** What every record about an attempt says, that of the pipeline too. */
function factsOf({ id, runId, tenant, lease, origin }: JobRecord) {
  return { job: id, run: runId, tenant, lease: lease?.index ?? null, ...originFacts(origin) };
}

function withLog(tools: AttemptTools, log: LogPort): AttemptTools {
  return { ...tools, env: { ...tools.env, log } };
}

/** The attempt as a span, where anybody collects them. */
async function tracedAttempt(
  tools: AttemptTools,
  job: JobRecord,
  lease: Lease,
  meter: Meter,
  signal: AbortSignal,
): Promise<JobEvent> {
  const work = () =>
    (job.set === undefined ? runAttempt : runSet)(tools, job, lease, meter, signal);
  const { tracing } = tools.env;
  if (tracing === undefined) return await work();
  const span = tracing.start("attempt", {
    kind: "consumer",
    parent: job.origin?.traceparent,
    attributes: {
      ...{ "quorus.job": job.id, "quorus.run": job.runId, "quorus.tenant": job.tenant },
      ...{ "quorus.node": lease.agent, "quorus.lease": lease.index },
      "quorus.attempt": job.attempts,
    },
  });
  try {
    const event = await span.within(work);
    span.set({ "quorus.outcome": event.type, "quorus.fetched_bytes": meter.fetchedBytes });
    span.end("error" in event ? event.error.message : undefined);
    return event;
  } catch (thrown) {
    span.end(thrown);
    throw thrown;
  }
}

/** Who runs it himself sees it anyway; what a request has submitted is for the log. */
function tellEnd(
  { env: { log } }: AttemptTools,
  { origin }: JobRecord,
  event: JobEvent,
  { fetchedBytes, keptBytes }: Meter,
): void {
  const facts = { how: event.type, fetchedBytes, keptBytes };
  const isFailure = "error" in event;
  const level = origin === undefined ? "debug" : isFailure ? "warn" : "info";
  const error = isFailure ? { error: event.error } : {};
  log.write(level, "an attempt has ended", { ...facts, ...error });
}

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

/** Tools that notice when a report on the way is refused: then the lease is over. */
function watching(tools: AttemptTools, over: (why: string) => void): AttemptTools {
  const propose = async (command: Command): Promise<readonly string[]> => {
    const refused = await tools.propose(command);
    if (refused.length > 0 && isOnTheWay(command)) over(refused.join("; "));
    return refused;
  };
  return { ...tools, propose };
}

function isOnTheWay(command: Command): boolean {
  return command.type === "jobEvent" &&
    (command.event.type === "phase" || command.event.type === "progress");
}

type Ending = Exclude<JobEvent, { type: "assign" }>;

/** Commits how it ended; where that comes too late, at least that it has ended. */
export async function reportEnd(
  tools: AttemptTools,
  job: JobRecord,
  event: Ending,
): Promise<void> {
  const jobId = job.id;
  const refused = await tools.propose({ type: "jobEvent", jobId, event });
  if (refused.length === 0 || !("lease" in event)) return;
  const { lease } = event;
  const why = refused.join("; ");
  const kept = await tools.propose({
    type: "jobEvent",
    jobId,
    event: { type: "handBack", lease },
  });
  tools.env.log.write("info", "an attempt ended after its lease", {
    job: jobId,
    how: event.type,
    why,
    handedBack: kept.length === 0,
  });
  // The job is over: nobody will look for what this attempt has kept.
  if (kept.length > 0) {
    await quietly(tools, "remove what an attempt kept", () => discard(tools, job, lease));
  }
}

async function discard(tools: AttemptTools, job: JobRecord, lease: Lease): Promise<void> {
  if (job.set !== undefined) {
    return void await sweepSet(tools, job, [temporaryName(job.id, lease)]);
  }
  const sink = await openSink(job.spec, tools);
  try {
    await sink.abort(temporaryName(job.id, lease));
  } finally {
    await sink.close();
  }
  await tools.checkpoints.drop(job.id);
}

function tallyBytes(state: State): void {
  const { fetchedBytes } = state.meter;
  // Ranges take back what they fetch again.
  state.tally.bytesTransferred += Math.max(0, fetchedBytes - state.toldBytes);
  state.toldBytes = Math.max(state.toldBytes, fetchedBytes);
}

function count(tally: Tally, event: JobEvent, nowMs: number): void {
  if (event.type !== "succeed" && event.type !== "fail") return;
  if (event.type === "succeed") tally.completed += 1;
  else tally.failed += 1;
  tally.lastCompletionMs = nowMs;
}

/** Attempts never make the events that only `apply` or an operator makes. */
function asCommand(event: JobEvent): Ending {
  if (event.type === "assign") throw new TypeError("an attempt does not assign");
  return event;
}
