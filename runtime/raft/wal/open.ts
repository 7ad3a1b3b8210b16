/** Opens the log of a member: whose folder it is, what stands in it, and whether the snapshot fits. */

import type { DiskLock } from "../../env/env.ts";
import type { Restored } from "../core/options.ts";
import type { SnapshotMeta } from "../core/entry.ts";
import { RaftError } from "../errors.ts";
import type { RaftLogStore, StoredSnapshot } from "../storage.ts";
import { makeDurableFolder } from "./files.ts";
import { identityCrc, readIdentity, writeIdentity, wrongFolder } from "./identity.ts";
import { FileRaftLog } from "./log.ts";
import { diskFailed, logCorrupt } from "./log_errors.ts";
import type { RaftLogEnv, RaftLogOptions } from "./log_options.ts";
import { Plan } from "./plan.ts";
import { firstEnd, type Replay } from "./replay.ts";
import { listSequences, scanLog } from "./scan.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { Spares } from "./spares.ts";

/**
 * Opens the durable log in `folder` and makes sure that what it says is durable before it says it.
 * `WrongFolder`, `FolderLocked`: not ours; `LogCorrupt`, `SnapshotCorrupt`: what was acknowledged is
 * damaged; `LogVersion`: a later program wrote it; `DiskFull`, `DiskFailed`: it could not be read or made.
 */
export async function openRaftLog(
  env: RaftLogEnv,
  options: RaftLogOptions,
): Promise<RaftLogStore> {
  const { folder } = options;
  let lock: DiskLock | null = null;
  try {
    lock = await lockFolder(env, options);
    if (await needsLog(env, options)) await beginLog(env, options);
    return await openBegun(env, options, lock);
  } catch (thrown) {
    await lock?.release();
    throw diskFailed(`open the log in ${folder}`, thrown);
  }
}

async function lockFolder(env: RaftLogEnv, options: RaftLogOptions): Promise<DiskLock> {
  const { folder, create, identity } = options;
  if (create) await makeDurableFolder(env.disk, folder);
  else if (await env.disk.stat(folder) === null) {
    throw wrongFolder(folder, identity, "there is no such folder; a member's folder is made once");
  }
  const lock = await env.disk.tryLock(`${folder}/lock`);
  if (lock !== null) return lock;
  throw new RaftError(
    "FolderLocked",
    `cannot open the log in ${folder}: a running process has it open; stop that one first`,
    { details: { folder }, retryable: true },
  );
}

/** Whether this is a folder whose log has not begun; never one that has lost it. */
async function needsLog(env: RaftLogEnv, options: RaftLogOptions): Promise<boolean> {
  const { folder, identity, create, first, newest } = options;
  const stage = await readIdentity(env, folder, identity);
  if (stage === "begun") return false;
  if (newest !== null && newest.snapshot.index > first.index) {
    const { index } = newest.snapshot;
    throw logCorrupt(
      folder,
      0,
      index,
      "there is a snapshot, and the log that belongs to it is gone",
    );
  }
  if (stage === "empty" && (await listSequences(env, folder)).length > 0) {
    const reason = "it holds a log and does not say whose; its identity.json is missing";
    throw wrongFolder(folder, identity, reason);
  }
  if (create) return true;
  throw wrongFolder(folder, identity, "it holds no log; a member's log is made once");
}

/** The first segment; what a life that died in here left is nobody's, and is written over. */
async function beginLog(env: RaftLogEnv, options: RaftLogOptions): Promise<void> {
  const { folder, identity, limits, first } = options;
  await writeIdentity(env, folder, identity, "new");
  const spares = new Spares(env, folder, limits, 1);
  const plan = new Plan(firstEnd(first), 0, limits.segmentBytes);
  plan.begin();
  await spares.provide(plan.newSegmentSizes);
  const start = { segments: [], bytes: new Uint8Array(0), endOffset: 0, nextRecord: 1 };
  const writer = new SegmentWriter(env, identityCrc(identity, env.hash.crc32), spares, start);
  try {
    await writer.write(plan);
  } finally {
    await writer.close();
  }
  await writeIdentity(env, folder, identity, "begun");
}

async function openBegun(
  env: RaftLogEnv,
  options: RaftLogOptions,
  lock: DiskLock,
): Promise<RaftLogStore> {
  const { folder, identity, limits, newest } = options;
  const scanned = await scanLog(env, folder, identity);
  const { replay, bytes, endOffset, nextRecord } = scanned;
  checkReach(folder, replay, newest);
  if (scanned.wasTorn) {
    env.log.write("info", "the torn end of a Raft log is cut; none of it had been acknowledged", {
      folder,
      lastIndex: replay.lastIndex,
    });
  }
  const spares = new Spares(env, folder, limits, replay.segments.at(-1)!.sequence + 1);
  const start = { segments: replay.segments, bytes, endOffset, nextRecord };
  const writer = new SegmentWriter(env, identityCrc(identity, env.hash.crc32), spares, start);
  try {
    await writer.resume(start);
    await env.disk.syncDirectory(folder);
    const log = new FileRaftLog({ env, options, lock, writer, spares, end: replay.end });
    const { restored, reset } = restoredFrom(replay, newest);
    if (reset !== null) await log.persist({ number: 0, reset, entries: [], hardState: null });
    spares.refill();
    return log.begin(restored);
  } catch (thrown) {
    await writer.close();
    throw thrown;
  }
}

/** The log must go on from the newest snapshot that is whole. */
function checkReach(folder: string, replay: Replay, newest: StoredSnapshot | null): void {
  const covered = newest?.snapshot.index ?? 0;
  if (covered >= replay.goneThrough) return;
  const found = newest === null ? "there is no whole snapshot" : `the newest ends at ${covered}`;
  throw new RaftError(
    "SnapshotCorrupt",
    `cannot open the log in ${folder}: it begins after entry ${replay.goneThrough}, and of the snapshots ${found}; one was damaged or removed: bring it back from a copy, or remove this member from its group and add it under a new id, as a learner, with an empty folder`,
    { details: { folder, beginsAfter: replay.goneThrough, covered } },
  );
}

/**
 * What the member starts from. A snapshot beyond the end of the log (the machine had applied what was
 * durable on others, or one had just been received), or at odds with it, replaces the log.
 */
function restoredFrom(
  replay: Replay,
  newest: StoredSnapshot | null,
): { readonly restored: Restored; readonly reset: SnapshotMeta | null } {
  const { end, goneThrough } = replay;
  const snapshot = newest?.snapshot ?? end.base;
  const isHeld = snapshot.index > goneThrough && snapshot.index <= end.lastIndex;
  const fits = isHeld
    ? replay.termAt(snapshot.index) === snapshot.term
    : snapshot.index <= end.lastIndex;
  const lastIndex = fits ? end.lastIndex : snapshot.index;
  const hardState = { ...end.hardState, commit: Math.min(end.hardState.commit, lastIndex) };
  const entries = fits ? replay.entries : [];
  const restored = { hardState, snapshot, file: newest?.file ?? null, entries };
  return { restored, reset: fits ? null : snapshot };
}
