/** What stands on the disk of a Raft member in the frozen samples of version 1, and how it is written. */

import type { Entry, SnapshotMeta } from "../../runtime/raft/core/entry.ts";
import type { PersistOrder } from "../../runtime/raft/core/outputs.ts";
import type { StoredSnapshot } from "../../runtime/raft/storage.ts";
import { openSnapshots } from "../../runtime/raft/snapshots/snapshot_store.ts";
import { encodeEntries } from "../../runtime/raft/wal/entry_codec.ts";
import { readWhole } from "../../runtime/raft/wal/files.ts";
import { openRaftLog } from "../../runtime/raft/wal/open.ts";
import { type SimulatedEnv, simulatedEnv } from "../../runtime/sim/env.ts";

const text = (value: string) => new TextEncoder().encode(value);

export const FOLDER = "/raft";
export const IDENTITY = { group: "orders", member: "node-a" };
export const LIMITS = { segmentBytes: 1_000, reserveBytes: 1, syncEveryBytes: 4_096 };
export const SNAPSHOT_LIMITS = {
  chunkBytes: 16,
  snapshotSliceMs: 4,
  snapshotRests: 2,
  restoreBytes: 16,
  syncEveryBytes: 4_096,
};

/** What the log begins after. */
export const FIRST: SnapshotMeta = {
  index: 0,
  term: 0,
  stampMs: 0,
  configuration: {
    members: [
      { id: "node-a", role: "voter", witness: false, priority: 1 },
      { id: "node-b", role: "voter", witness: true, priority: 0 },
    ],
    outgoing: null,
  },
  configurationIndex: 0,
};

/** The snapshot that was taken. */
export const META: SnapshotMeta = {
  index: 2,
  term: 1,
  stampMs: 1_790_000_000_001,
  configuration: {
    members: [{ id: "node-ä", role: "learner", witness: false, priority: 3 }],
    outgoing: [{ id: "node-b", role: "voter", witness: true, priority: 0 }],
  },
  configurationIndex: 1,
};

/** Every kind of entry. */
export const ENTRIES: readonly Entry[] = [
  { index: 1, term: 1, stampMs: 1_790_000_000_000, kind: "noop", data: text("") },
  { index: 2, term: 1, stampMs: 1_790_000_000_001, kind: "command", data: text("set a=1") },
  { index: 3, term: 2, stampMs: 1_790_000_000_002.5, kind: "config", data: text("{}") },
];

/** All entries and a vote, a reset, a truncation, a term without a vote, and more than fits in a file. */
export const ORDERS: readonly Omit<PersistOrder, "number">[] = [
  { reset: null, entries: ENTRIES, hardState: { term: 2, vote: "node-ä", commit: 1 } },
  {
    reset: { ...META, index: 9, term: 4 },
    entries: [{ ...ENTRIES[1]!, index: 10, term: 4 }],
    hardState: { term: 4, vote: "node-b", commit: 9 },
  },
  {
    reset: null,
    entries: [10, 11].map((index) => ({ ...ENTRIES[1]!, index, term: 5 })),
    hardState: null,
  },
  { reset: null, entries: [], hardState: { term: 6, vote: null, commit: 10 } },
  {
    reset: null,
    entries: [{ ...ENTRIES[2]!, index: 12, term: 6, data: text("long ".repeat(40)) }],
    hardState: null,
  },
];

/** What {@link ORDERS} come to. */
export const LAST_STATE = ORDERS[3]!.hardState;
export const LAST_ENTRIES: readonly Entry[] = [...ORDERS[2]!.entries, ...ORDERS[4]!.entries];

/** The snapshot that a log with {@link ORDERS} stands on. */
export const NEWEST: StoredSnapshot = {
  snapshot: { ...META, index: 9, term: 4 },
  file: { bytes: 0, crc: 0 },
};

export const STATE: Uint8Array = text("the state of a machine, in more than one piece");

/** What is being received, and how much of it came. */
export const RECEIVING: StoredSnapshot = {
  snapshot: { ...META, index: 7 },
  file: { bytes: 100, crc: 0x12345678 },
};
export const RECEIVED_BYTES = 20;

/** A fresh simulated disk and how to wait on it. */
export function freshDisk(): SimulatedEnv {
  return simulatedEnv({ seed: 1 });
}

/** All samples as they are written now, by file name; zeros at the end of a segment are left out. */
export async function writtenSamples(): Promise<Map<string, Uint8Array>> {
  const env = freshDisk();
  return await env.world.complete((async () => {
    const files = new Map([["entries.hex", encodeEntries(ENTRIES)]]);
    await writeLog(env);
    await writeSnapshots(env);
    for (const { name } of await env.disk.readDirectory(FOLDER)) {
      const bytes = trimmed((await readWhole(env.disk, `${FOLDER}/${name}`))!);
      if (bytes.length > 0) files.set(`${name}.hex`, bytes);
    }
    return files;
  })());
}

async function writeLog(env: SimulatedEnv): Promise<void> {
  const log = await openRaftLog(env, {
    folder: FOLDER,
    identity: IDENTITY,
    limits: LIMITS,
    first: FIRST,
    create: true,
    newest: null,
  });
  for (const [number, order] of ORDERS.entries()) await log.persist({ number, ...order });
  await log.close();
}

async function writeSnapshots(env: SimulatedEnv): Promise<void> {
  const store = await openSnapshots(env, { folder: FOLDER, limits: SNAPSHOT_LIMITS });
  await store.take(META, [STATE]);
  await store.receive(RECEIVING, 0, new Uint8Array(RECEIVED_BYTES).fill(9));
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}
