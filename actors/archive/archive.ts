/**
 * The archive of a controller: keeps its segments as the replicated state wants them. One that was just
 * cut is written from its rows; one that came while this controller was away is fetched by its hash.
 */

import { actor, type Context, type TaskEnd } from "../../runtime/actor/definition.ts";
import { formatAddress } from "../../runtime/actor/address.ts";
import { later } from "../../runtime/actor/later.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Replica } from "../controller/replica.ts";
import type { SegmentRecord } from "../controller/state.ts";
import { ArchiveError } from "./errors.ts";
import type { SegmentName } from "./files.ts";
import { Archive, ARCHIVE_PATH } from "./messages.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import { archiveStatusOf, missingSegments } from "./reader.ts";
import type { ArchiveStore } from "./store.ts";
import { nextStepMs, type Verified, type VerifierContext, verifyNext } from "./verifier.ts";

/** What it works with; the store is closed when the actor stops. */
export interface ArchiveArgs {
  readonly replica: Pick<Replica, "state" | "follow" | "raft">;
  readonly store: ArchiveStore;
  /** Overrides of single limits. */
  readonly limits?: Partial<ArchiveLimits>;
}

interface State extends Omit<ArchiveArgs, "limits"> {
  readonly limits: ArchiveLimits;
  readonly unfollow: () => void;
  readonly verifier: VerifierContext;
  isBusy: boolean;
  /** Something has come while it was busy. */
  isDue: boolean;
}

type Here = Context<typeof Archive>;

/** See the head of this file. */
export const archive = actor(Archive, {
  state: (args: ArchiveArgs, ctx): State => {
    const self = ctx.self;
    const unfollow = args.replica.follow((news) => {
      const isOfArchive = news.some((one) =>
        one.type === "restored" || one.effects.some(({ type }) => type === "archiveChanged")
      );
      if (isOfArchive) self.tell("look", {});
    });
    self.tell("look", {});
    const limits = limitValues(ARCHIVE_LIMITS, args.limits);
    const { clock, timers } = ctx.env;
    const verifier = { clock, timers, store: args.store, limits };
    // Controllers that were started together do not read together.
    ctx.after("verify", ctx.env.random.next() * nextStepMs(verifier), "verifyNext", {});
    return { ...args, limits, unfollow, verifier, isBusy: false, isDue: false };
  },
  on: {
    look: (state, _, ctx) => look(state, ctx),
    holds: ({ store }, name) => store.holds(name),
    fetch: (state, { offset, ...name }, ctx) => fetch(state, name, offset, ctx),
    status: ({ replica, store }) => archiveStatusOf(replica.state, store),
    verifyNext: ({ verifier, replica }, _, ctx) =>
      ctx.task("verify", (signal) => verifyNext(verifier, replica.state, signal)),
    verify: ({ store }, _, ctx) => {
      const self = ctx.self;
      return later(async () => {
        const damaged = await store.verify();
        if (damaged.length > 0) self.tell("look", {});
        return { damaged };
      });
    },
  },
  done: (state, task, ctx) => {
    if (task.name === "verify") return verified(state, task, ctx);
    if (task.name !== "sync") return;
    state.isBusy = false;
    if (!task.ok) {
      ctx.log("warn", "the archive is incomplete", { reason: messageOf(task.error) });
      ctx.after("look", state.limits.archiveRetryMs, "look", {});
    } else if (state.isDue) look(state, ctx);
  },
  stopping: async ({ unfollow, store }, reason) => {
    unfollow();
    if (reason === "stopped") await store.close();
  },
});

/** Then the next one; what is damaged is fetched again. */
function verified({ verifier }: State, task: TaskEnd, ctx: Here): void {
  if (!task.ok) {
    ctx.log("warn", "a segment of the archive could not be checked", {
      reason: messageOf(task.error),
    });
  } else if ((task.value as Verified).damaged !== null) {
    const { damaged: segment } = task.value as Verified;
    ctx.log("error", "a segment of the archive is damaged and is fetched again", { segment });
    ctx.self.tell("look", {});
  }
  ctx.after("verify", nextStepMs(verifier), "verifyNext", {});
}

function look(state: State, ctx: Here): void {
  state.isDue = state.isBusy;
  if (state.isBusy) return;
  state.isBusy = true;
  ctx.task("sync", (signal) => sync(state, (peer) => archiveOf(ctx, peer), signal));
}

function archiveOf(ctx: Here, node: string): Ref<typeof Archive> {
  return ctx.ref(Archive, formatAddress(node, ARCHIVE_PATH));
}

/** Every controller may ask, and nobody else. */
function fetch({ replica, store, limits }: State, name: SegmentName, offset: number, ctx: Here) {
  const { configuration: { members } } = replica.raft.status();
  const isMember = members.some(({ id }) => id === ctx.senderNode);
  if (!isMember || !store.holds(name)) return null;
  return later(() => store.files.read(name, offset, limits.archivePieceBytes));
}

/** Takes in what is missing, one after the other, and fails at the end if something was not to be had. */
async function sync(
  { replica, store, limits }: State,
  archiveOf: (peer: string) => Ref<typeof Archive>,
  signal: AbortSignal,
): Promise<void> {
  await store.dropBefore(replica.state.archive.first);
  let failure: unknown = null;
  for (const number of missingSegments(replica.state, store)) {
    if (signal.aborted) return;
    // The state goes on meanwhile.
    const { segments, open } = replica.state.archive;
    const record = segments.get(String(number));
    if (record === undefined) continue;
    const rows = open.get(String(number));
    try {
      if (rows === undefined) {
        await fetchFrom(peersOf(replica).map(archiveOf), store, record, limits);
      } else await store.take(record, rows, nobody);
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== null) throw failure;
}

function peersOf(replica: State["replica"]): string[] {
  const { configuration: { members }, member: own } = replica.raft.status();
  return members.filter(({ id, witness }) => id !== own && !witness).map(({ id }) => id);
}

/** Asks one after the other. What the disk has is not asked for. */
async function fetchFrom(
  peers: readonly Ref<typeof Archive>[],
  store: ArchiveStore,
  record: SegmentRecord,
  limits: ArchiveLimits,
): Promise<void> {
  const reasons: string[] = [];
  if (peers.length === 0) return await store.take(record, undefined, nobody);
  for (const peer of peers) {
    try {
      return await store.take(record, undefined, () => piecesOf(peer, record, limits));
    } catch (error) {
      reasons.push(`${peer.address}: ${messageOf(error)}`);
    }
  }
  throw notFetched(record, reasons.join("; "));
}

async function* piecesOf(
  peer: Ref<typeof Archive>,
  { number, hash }: SegmentRecord,
  { archiveFetchMs: withinMs }: ArchiveLimits,
): AsyncIterable<Uint8Array> {
  for (let offset = 0;;) {
    const piece = await peer.ask("fetch", { number, hash, offset }, { withinMs });
    if (piece === null) throw notFetched({ number }, "it has not got it");
    yield piece.bytes;
    offset += piece.bytes.length;
    if (offset >= piece.size || piece.bytes.length === 0) return;
  }
}

// deno-lint-ignore require-yield
async function* nobody(): AsyncIterable<Uint8Array> {
  throw new ArchiveError("notFetched", "fetch a segment of the archive: there is nobody to ask");
}

function notFetched({ number }: { readonly number: number }, why: string): ArchiveError {
  return new ArchiveError("notFetched", `fetch segment ${number} of the archive: ${why}`, {
    retryable: true,
  });
}
