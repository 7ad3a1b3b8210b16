/**
 * The door of a controller for gateways: writes, reads, who has a key, and what has happened. Each answer
 * comes later, so that nobody waits behind somebody else's commit.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { ReplyOf } from "../../runtime/actor/protocol.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { ArchiveStatus } from "../archive/messages.ts";
import type { ArchiveReader } from "../archive/reader.ts";
import { Scheduler } from "../controller/messages.ts";
import { originFacts } from "../controller/origin.ts";
import type { Replica } from "../controller/replica.ts";
import type { Board } from "../fleet/board.ts";
import type { Job } from "../job/record.ts";
import { agentChange, isOfRemoved, viewChange } from "./cluster_changes.ts";
import { eventId, EventRing, type Happened, parseEventId } from "./events.ts";
import { explainJob } from "./explain.ts";
import { lookUp } from "./lookups.ts";
import type { DESK_LIMITS } from "./limits.ts";
import { judgeChange } from "./group_changes.ts";
import {
  Desk,
  DESK_PATH,
  type GroupChange,
  type LiveEvent,
  type Principal,
  type Written,
} from "./messages.ts";
import { askLeader, type LeaderQuery, type LeaderWay, passOnChange } from "./passing_on.ts";
import { ProgressNews } from "./progress_news.ts";
import { read } from "./reads.ts";
import { ViewTexts } from "./view_texts.ts";
import { viewAgent, viewJob, viewRun } from "./views.ts";
import { write } from "./writes.ts";

/** It cannot answer, and another controller can. */
export class DeskError extends QuorusError<"noState"> {
  override readonly name = "DeskError";
}

/** What a desk is started with. */
export interface DeskArgs {
  readonly replica: Replica;
  readonly archive: ArchiveReader;
  /** Those of all controllers, on the one that leads. */
  readonly archives: ReadonlyMap<string, ArchiveStatus>;
  readonly board: Board;
  readonly links: Pick<Links, "peers">;
  /** When this node's own certificate ends; null: it has none. */
  readonly ownCertificateUntilMs: () => number | null;
  /** Where the scheduler is on the node that leads in a term. */
  readonly schedulerPath: (term: number) => string;
  readonly inspect: () => unknown;
  readonly limits: LimitValues<typeof DESK_LIMITS>;
}

interface State extends DeskArgs {
  readonly texts: ViewTexts;
  readonly ring: EventRing;
  readonly progress: ProgressNews;
  /** Up to which change of progress each gateway was told. */
  readonly toldProgress: Map<string, number>;
  readonly unsubscribe: () => void;
}

type Here = Context<typeof Desk>;

/** One on every controller. */
export const desk = actor(Desk, {
  mailbox: { capacity: 16_384, full: "reject" },
  state: (args: DeskArgs): State => {
    const ring = new EventRing(args.limits.eventsKept, args.replica.state.index);
    const progress = new ProgressNews(args.limits.eventsKept);
    const releases = [
      args.replica.follow((news) => ring.take(news)),
      args.board.watchProgress((jobIds) => {
        progress.take(jobIds);
        ring.wake();
      }),
    ];
    const unsubscribe = () => releases.forEach((release) => release());
    const texts = new ViewTexts(args.board, args.limits.viewTexts);
    return { ...args, texts, ring, progress, toldProgress: new Map(), unsubscribe };
  },
  on: {
    write: (state, { key, principal, request, fingerprint, origin, isPassedOn }, ctx) => {
      const way = wayToLeader(state, ctx, isPassedOn);
      const passOn = (change: GroupChange) => passOnChange(way, { key, principal }, change);
      const context = { ...state, env: ctx.env, passOn };
      const { log, tracing } = ctx.env;
      const attributes = { "quorus.node": nodeOf(ctx), "quorus.request.type": request.type };
      const span = tracing?.start("desk write", { kind: "server", parent: ctx.trace, attributes });
      const from = origin === undefined || span === undefined
        ? origin
        : { ...origin, traceparent: span.traceparent };
      return later(async () => {
        const facts = { fingerprint, origin: from };
        const written = await write(context, key, principal, request, facts);
        span?.end(written.ok ? undefined : written.message);
        const about = { ...originFacts(origin), request: request.type, keyId: principal.keyId };
        log.write("debug", "a write was answered", { ...about, ...outcomeOf(written) });
        return written;
      });
    },
    read: (state, { consistency, principal, query, isPassedOn }, ctx) => {
      const node = nodeOf(ctx);
      const { env } = ctx;
      const way = wayToLeader(state, ctx, isPassedOn);
      const ofLeader = (asked: LeaderQuery) => askLeader(way, principal, asked);
      const judge = (change: GroupChange) => judgeChange({ ...state, env }, change);
      const scheduler = (leader: string) =>
        ctx.ref(Scheduler, `quorus://${leader}/${state.schedulerPath(state.replica.term)}`);
      const explain = (job: Job) => explainJob(state.replica, scheduler, job, state.board);
      const context = { ...state, node, explain, ofLeader, judge };
      return fromState(state, () => read(context, consistency, principal, query));
    },
    lookUp: (state, lookups, ctx) => {
      const node = nodeOf(ctx);
      return fromState(state, () => lookUp({ ...state, node }, lookups));
    },
    authenticate: (state, { sha256 }, ctx) => {
      const nowMs = ctx.env.clock.now();
      if (!isWitness(state)) return principalOf(state, sha256, nowMs);
      return fromState(state, () => Promise.resolve(principalOf(state, sha256, nowMs)));
    },
    events: (state, { after, limit }, ctx) => {
      const { senderNode, env } = ctx;
      return fromState(state, (signal) => events(state, after, limit, senderNode, env, signal));
    },
  },
  stopping: (state) => state.unsubscribe(),
});

/** Answered from the replicated state; whoever asks a witness has to ask another controller. */
function fromState<T>(state: State, answer: (signal: AbortSignal) => Promise<T>) {
  return later(async (signal) => {
    if (!isWitness(state)) return await answer(signal);
    throw new DeskError(
      "noState",
      "ask a witness: it helps to elect, and keeps no state that it could answer from; ask another controller",
      { retryable: true },
    );
  });
}

/** Who has applied a command is none: that is known without looking at the group. */
function isWitness({ replica }: State): boolean {
  if (replica.state.index > 0) return false;
  const { member, configuration: { members } } = replica.raft.status();
  return members.find(({ id }) => id === member)?.witness === true;
}

function wayToLeader(state: State, ctx: Here, isPassedOn = false): LeaderWay {
  const desk = (id: string) => ctx.ref(Desk, `quorus://${id}/${DESK_PATH}`);
  return { ...state, desk, isPassedOn };
}

function outcomeOf(written: Written): Readonly<Record<string, unknown>> {
  return written.ok ? { index: written.index } : { code: written.code, why: written.message };
}

function nodeOf(ctx: Here): string {
  return ctx.self.address.split("/")[2] ?? "";
}

function principalOf({ replica }: State, sha256: string, nowMs: number): Principal | null {
  for (const key of replica.state.keys.values()) {
    if (key.sha256 !== sha256) continue;
    if (key.expiresMs !== null && key.expiresMs <= nowMs) return null;
    return { keyId: key.id, scope: key.scope, tenants: key.tenants };
  }
  return null;
}

type Events = ReplyOf<typeof Desk, "events">;

async function events(
  state: State,
  after: string | null,
  limit: number,
  gateway: string,
  env: Env,
  signal: AbortSignal,
): Promise<Events> {
  const { ring, limits, progress, toldProgress } = state;
  if (!toldProgress.has(gateway)) toldProgress.set(gateway, progress.last);
  const from = after === null ? ring.last : parseEventId(after) ?? ring.last;
  const isEmpty = () =>
    ring.since(from, 1).happened.length === 0 && progress.last === toldProgress.get(gateway);
  if (after !== null && isEmpty() && !ring.since(from, 1).missed) {
    await waitFor(ring, env, limits.eventsWaitMs, signal);
    if (!isEmpty()) await pause(env, limits.eventsGatherMs);
  }
  const { happened, missed } = ring.since(from, limit);
  const last = happened[happened.length - 1] ?? (missed ? ring.last : from);
  const told = happened.map((one) => liveEvent(state, one)).filter((one) => one !== null);
  if (happened.length < limit) told.push(...progressEvents(state, gateway, env.clock.now()));
  return { events: told, last: eventId(last), missed };
}

async function waitFor(
  ring: EventRing,
  env: Env,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const timer = env.timers.after(withinMs, () => over.abort());
  await ring.changed(AbortSignal.any([signal, over.signal]));
  timer.cancel();
}

function pause(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => void env.timers.after(ms, resolve));
}

function liveEvent({ replica, board }: State, happened: Happened): LiveEvent | null {
  const { state } = replica;
  const { effect, atMs } = happened;
  const id = eventId(happened);
  switch (effect.type) {
    case "jobChanged":
      return {
        type: "job",
        id,
        atMs,
        job: viewJob(effect.job, state.runs.get(effect.job.runId), board),
      };
    case "runChanged":
      return { type: "run", id, atMs, run: viewRun(effect.run, state) };
    case "agentChanged": {
      const { agent, before } = effect;
      const change = agentChange(before?.status ?? null, agent.status);
      return { type: "agent", id, atMs, agent: viewAgent(agent, state, board), change };
    }
    case "clusterChanged": {
      const { change } = effect;
      if (isOfRemoved(change, state.noted)) return null;
      return { type: "cluster", id, atMs, change: viewChange(change) };
    }
    default:
      // Tenants' settings are configuration, and nothing to be followed.
      return null;
  }
}

function progressEvents(state: State, gateway: string, atMs: number): LiveEvent[] {
  const { progress, toldProgress, board, replica, limits } = state;
  const since = progress.since(
    toldProgress.get(gateway) ?? progress.last,
    limits.progressPerAnswer,
  );
  toldProgress.set(gateway, since.last);
  const told: LiveEvent[] = [];
  for (const jobId of since.jobIds) {
    const job = replica.state.jobs.get(jobId);
    const seen = board.progress(jobId);
    if (job === undefined || job.lease === null || seen === null) continue;
    const { runId, tenant } = job;
    const labels = replica.state.runs.get(runId)?.plan.labels ?? {};
    told.push({ type: "progress", atMs, jobId, runId, tenant, labels, progress: seen.progress });
  }
  return told;
}
