/**
 * The leader's part of the archive: cuts segments of runs that have ended, seals those that most
 * controllers have on their disks, and drops those whose time is over. It only proposes; what another
 * leader has begun it goes on with, as all of it is in the state.
 */

import { actor, type Context } from "../../runtime/actor/definition.ts";
import { formatAddress } from "../../runtime/actor/address.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { versionOf } from "../controller/archive.ts";
import type { Command } from "../controller/commands.ts";
import type { Replica } from "../controller/replica.ts";
import type { SegmentRecord } from "../controller/state.ts";
import { dueRuns, dueSegment } from "./due.ts";
import type { SegmentName } from "./files.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import { Archive, ARCHIVE_PATH, Archiver } from "./messages.ts";
import { segmentHash } from "./segment.ts";

/** What it works with. */
export interface ArchiverArgs {
  readonly replica: Pick<Replica, "state" | "raft" | "propose">;
  /** How long an archived run is kept after its end; null: for ever. */
  readonly retentionMs: number | null;
  /** Overrides of single limits. */
  readonly limits?: Partial<ArchiveLimits>;
}

interface State extends Omit<ArchiverArgs, "limits"> {
  readonly limits: ArchiveLimits;
  isBusy: boolean;
}

type Here = Context<typeof Archiver>;

/** See the head of this file. */
export const archiver = actor(Archiver, {
  state: (args: ArchiverArgs, ctx): State => {
    const limits = limitValues(ARCHIVE_LIMITS, args.limits);
    ctx.every("look", limits.archiveEveryMs, "look", {});
    return { ...args, limits, isBusy: false };
  },
  on: {
    look: (state, _, ctx) => {
      if (state.isBusy) return;
      state.isBusy = true;
      ctx.task("round", () => round(state, ctx));
    },
  },
  done: (state, task, ctx) => {
    state.isBusy = false;
    if (!task.ok) ctx.log("warn", "the archive waits", { reason: messageOf(task.error) });
    // There may be more of it, and what was cut is soon on the disks.
    else if (task.value === true) ctx.after("again", state.limits.archiveAgainMs, "look", {});
  },
});

/** True: something was cut. */
async function round(state: State, ctx: Here): Promise<boolean> {
  const { replica, retentionMs } = state;
  await seal(state, ctx);
  const hasCut = await cut(state, ctx);
  const through = retentionMs === null
    ? null
    : dueSegment(replica.state, ctx.env.clock.now(), retentionMs);
  if (through !== null) await propose(state, { type: "dropSegments", through }, ctx);
  return hasCut;
}

/** Whether it was taken. Refusals are no news: the state has moved on, and the next round sees it. */
async function propose({ replica }: State, command: Command, ctx: Here): Promise<boolean> {
  const refused = await replica.propose(command);
  if (refused.length > 0) ctx.log("info", "a command about the archive was refused", { refused });
  return refused.length === 0;
}

async function cut(state: State, ctx: Here): Promise<boolean> {
  const { replica } = state;
  const { archive } = replica.state;
  const rows = dueRuns(replica.state, ctx.env.clock.now(), state.limits);
  if (rows.length === 0) return false;
  const { root: previous, count } = archive;
  const hash = await segmentHash(ctx.env, count + 1, previous, rows);
  const runs = rows.map((row) => ({ runId: row.run.id, version: versionOf(row) }));
  return await propose(state, { type: "archiveRuns", previous, hash, runs }, ctx);
}

/** Those that most of the controllers with a disk have, one after the other. */
async function seal(state: State, ctx: Here): Promise<void> {
  const { archive } = state.replica.state;
  for (const number of [...archive.open.keys()].map(Number).sort((a, b) => a - b)) {
    const record = archive.segments.get(String(number));
    if (record === undefined || !await isOnMostDisks(state, record, ctx)) continue;
    await propose(state, { type: "sealSegment", number, hash: record.hash }, ctx);
  }
}

async function isOnMostDisks(
  { replica, limits }: State,
  { number, hash }: SegmentRecord,
  ctx: Here,
): Promise<boolean> {
  const { configuration: { members } } = replica.raft.status();
  const full = members.filter(({ role, witness }) => role === "voter" && !witness);
  const answers = await Promise.all(full.map(({ id }) => holds(id, { number, hash }, limits, ctx)));
  return answers.filter((has) => has).length > full.length / 2;
}

async function holds(
  node: string,
  name: SegmentName,
  { archiveFetchMs: withinMs }: ArchiveLimits,
  ctx: Here,
): Promise<boolean> {
  const ref = ctx.ref(Archive, formatAddress(node, ARCHIVE_PATH));
  try {
    return await ref.ask("holds", name, { withinMs });
  } catch {
    // Who does not answer may have it or not.
    return false;
  }
}
