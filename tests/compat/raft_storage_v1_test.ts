import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { openSnapshots } from "../../runtime/raft/snapshots/snapshot_store.ts";
import { decodeEntries } from "../../runtime/raft/wal/entry_codec.ts";
import { openRaftLog } from "../../runtime/raft/wal/open.ts";
import type { SimulatedEnv } from "../../runtime/sim/env.ts";
import {
  ENTRIES,
  FIRST,
  FOLDER,
  freshDisk,
  IDENTITY,
  LAST_ENTRIES,
  LAST_STATE,
  LIMITS,
  META,
  NEWEST,
  RECEIVED_BYTES,
  RECEIVING,
  SNAPSHOT_LIMITS,
  STATE,
  writtenSamples,
} from "./raft_storage_v1.ts";

const SAMPLES = new URL("./raft_storage_v1/", import.meta.url);

async function frozen(file: string): Promise<Uint8Array> {
  const hex = await readFile(new URL(file, SAMPLES), "utf8");
  return Uint8Array.fromHex(hex.replaceAll("\n", ""));
}

/** A disk that holds the frozen files. */
async function frozenDisk(): Promise<SimulatedEnv> {
  const env = freshDisk();
  const samples = (await readdir(SAMPLES)).filter((name) => name !== "entries.hex");
  const contents = await Promise.all(samples.map(frozen));
  await env.world.complete((async () => {
    await env.disk.makeDirectory(FOLDER);
    for (const [at, name] of samples.entries()) {
      const path = `${FOLDER}/${name.replace(/\.hex$/, "")}`;
      const file = await env.disk.open(path, { write: true, create: true });
      await file.write(contents[at]!, 0);
      if (path.endsWith(".wal")) await file.truncate(LIMITS.segmentBytes);
      await file.close();
    }
  })());
  return env;
}

const plain = (bytes: Uint8Array) => bytes.toHex();

Deno.test("the files of version 1 are written to the byte as they were frozen", async () => {
  const written = await writtenSamples();
  assert.deepStrictEqual((await readdir(SAMPLES)).sort(), [...written.keys()].sort());
  for (const [file, bytes] of written) assert.equal(plain(bytes), plain(await frozen(file)), file);
});

Deno.test("the frozen block of entries is read as what it held", async () => {
  const entries = decodeEntries(await frozen("entries.hex"));
  assert.deepStrictEqual(
    entries.map((entry) => ({ ...entry, data: plain(entry.data) })),
    ENTRIES.map((entry) => ({ ...entry, data: plain(entry.data) })),
  );
});

Deno.test("the frozen log of version 1 is read as what it held", async () => {
  const env = await frozenDisk();
  const log = await env.world.complete(openRaftLog(env, {
    folder: FOLDER,
    identity: IDENTITY,
    limits: LIMITS,
    first: FIRST,
    create: false,
    newest: NEWEST,
  }));
  const { hardState, snapshot, file, entries } = log.restored;
  assert.deepStrictEqual(hardState, LAST_STATE);
  assert.deepStrictEqual({ snapshot, file }, NEWEST);
  assert.deepStrictEqual(
    entries.map((entry) => ({ ...entry, data: plain(entry.data) })),
    LAST_ENTRIES.map((entry) => ({ ...entry, data: plain(entry.data) })),
  );
});

Deno.test("the frozen snapshot of version 1 is read, and the one under way goes on", async () => {
  const env = await frozenDisk();
  await env.world.complete((async () => {
    const store = await openSnapshots(env, { folder: FOLDER, limits: SNAPSHOT_LIMITS });
    const newest = store.newest()!;
    assert.deepStrictEqual(newest.snapshot, META);
    const pieces: number[] = [];
    for await (const piece of store.pieces(newest)) pieces.push(...piece);
    assert.equal(plain(new Uint8Array(pieces)), plain(STATE));
    const { nextOffset } = await store.receive(RECEIVING, 0, new Uint8Array(0));
    assert.equal(nextOffset, RECEIVED_BYTES);
  })());
});
