/**
 * The archive of a controller: keeps its segments as the replicated state wants them. One that was just
 * cut is written from its rows; one that came while this controller was away is fetched by its hash.
 */

import { actor, type Context } from "../../runtime/actor/definition.ts";
import { formatAddress } from "../../runtime/actor/address.ts";
import { later } from "../../runtime/actor/later.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Replica } from "../controller/replica.ts";
import type { SegmentRecord } from "../controller/state.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { ArchiveError } from "./errors.ts";
import type { SegmentName } from "./files.ts";
import { Archive, ARCHIVE_PATH } from "./messages.ts";
import { missingSegments } from "./reader.ts";
import type { ArchiveStore } from "./store.ts";

const LIMITS = limitValues(ACTOR_LIMITS);

/** What it works with; the store is closed when the actor stops. */
export interface ArchiveArgs {
  readonly replica: Pick<Replica, "state" | "follow" | "raft">;
  readonly store: ArchiveStore;
}

interface State extends ArchiveArgs {
  readonly unfollow: () => void;
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
    return { ...args, unfollow, isBusy: false, isDue: false };
  },
  on: {
    look: (state, _, ctx) => look(state, ctx),
    holds: ({ store }, name) => store.holds(name),
    fetch: (state, { offset, ...name }, ctx) => fetch(state, name, offset, ctx),
    status: ({ replica, store }) => {
      const { first, count } = replica.state.archive;
      return { first, count, missing: missingSegments(replica.state, store) };
    },
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
    if (task.name !== "sync") return;
    state.isBusy = false;
    if (!task.ok) {
      ctx.log("warn", "the archive is incomplete", { reason: messageOf(task.error) });
      ctx.after("look", LIMITS.archiveRetryMs, "look", {});
    } else if (state.isDue) look(state, ctx);
  },
  stopping: async ({ unfollow, store }, reason) => {
    unfollow();
    if (reason === "stopped") await store.close();
  },
});

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
function fetch({ replica, store }: State, name: SegmentName, offset: number, ctx: Here) {
  const { configuration: { members } } = replica.raft.status();
  const isMember = members.some(({ id }) => id === ctx.senderNode);
  if (!isMember || !store.holds(name)) return null;
  return later(() => store.files.read(name, offset, LIMITS.archivePieceBytes));
}

/** Takes in what is missing, one after the other, and fails at the end if something was not to be had. */
async function sync(
  { replica, store }: State,
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
      if (rows === undefined) await fetchFrom(peersOf(replica).map(archiveOf), store, record);
      else await store.take(record, rows, nobody);
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
): Promise<void> {
  const reasons: string[] = [];
  if (peers.length === 0) return await store.take(record, undefined, nobody);
  for (const peer of peers) {
    try {
      return await store.take(record, undefined, () => piecesOf(peer, record));
    } catch (error) {
      reasons.push(`${peer.address}: ${messageOf(error)}`);
    }
  }
  throw notFetched(record, reasons.join("; "));
}

async function* piecesOf(
  peer: Ref<typeof Archive>,
  { number, hash }: SegmentRecord,
): AsyncIterable<Uint8Array> {
  for (let offset = 0;;) {
    const piece = await peer.ask("fetch", { number, hash, offset }, {
      withinMs: LIMITS.archiveFetchMs,
    });
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
