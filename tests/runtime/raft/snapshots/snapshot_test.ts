import assert from "node:assert/strict";
import type { SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import { RaftError, type RaftErrorCode } from "../../../../runtime/raft/errors.ts";
import { openSnapshots } from "../../../../runtime/raft/snapshots/snapshot_store.ts";
import type { SnapshotStore, StoredSnapshot } from "../../../../runtime/raft/storage.ts";
import type { Env } from "../../../../runtime/env/env.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../../runtime/sim/env.ts";
import { REAL, SIMULATED, suiteTest } from "../../env/subject.ts";
import { FIRST } from "../wal/log_model.ts";

const LIMITS = {
  snapshotSliceMs: 4,
  snapshotRests: 2,
  chunkBytes: 64,
  restoreBytes: 64,
  syncEveryBytes: 4_096,
};

function metaAt(index: number): SnapshotMeta {
  return { ...FIRST, index, term: 2, stampMs: index * 10, configurationIndex: 1 };
}

/** Pieces of odd lengths that differ between seeds. */
function piecesFor(seed: number, count: number): Uint8Array[] {
  return Array.from(
    { length: count },
    (_, n) => new Uint8Array(7 + 13 * n).fill((seed * 31 + n) % 251),
  );
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

async function stateOf(store: SnapshotStore, stored: StoredSnapshot): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.pieces(stored)) pieces.push(piece);
  return joined(pieces);
}

function open(env: Env, folder: string): Promise<SnapshotStore> {
  return openSnapshots(env, { folder, limits: LIMITS });
}

/** Sends a snapshot from one store to another, in pieces; gives how many it took. */
async function sendAll(
  from: SnapshotStore,
  to: SnapshotStore,
  stored: StoredSnapshot,
  most = Infinity,
): Promise<number> {
  let { nextOffset, complete } = await to.receive(stored, 0, new Uint8Array(0));
  for (let sent = 0;; sent += 1) {
    if (complete || sent === most) return sent;
    const piece = (await from.read(stored, nextOffset, 50))!;
    ({ nextOffset, complete } = await to.receive(stored, nextOffset, piece));
  }
}

function hasCode(code: RaftErrorCode, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

for (const side of [REAL, SIMULATED]) {
  suiteTest(side, "a snapshot is given back as it was taken", async ({ env, directory }) => {
    const store = await open(env, `${directory}/s`);
    assert.equal(store.newest(), null);
    const pieces = piecesFor(1, 9);
    const stored = await store.take(metaAt(5), pieces);
    assert.deepStrictEqual(store.newest(), stored);
    assert.deepStrictEqual(stored.snapshot, metaAt(5));
    assert.equal(stored.file.bytes, joined(pieces).length);
    const again = await open(env, `${directory}/s`);
    assert.deepStrictEqual(again.newest(), stored);
    assert.deepStrictEqual(await stateOf(again, stored), joined(pieces));
    assert.deepStrictEqual(await again.read(stored, 3, 40), joined(pieces).slice(3, 43));
    const tail = joined(pieces).slice(-2);
    assert.deepStrictEqual(await again.read(stored, stored.file.bytes - 2, 40), tail);
  });

  suiteTest(side, "an empty snapshot is one", async ({ env, directory }) => {
    const store = await open(env, `${directory}/s`);
    const stored = await store.take(metaAt(1), []);
    assert.deepStrictEqual(stored.file, { bytes: 0, crc: 0 });
    const again = await open(env, `${directory}/s`);
    assert.deepStrictEqual(await stateOf(again, stored), new Uint8Array(0));
    const other = await open(env, `${directory}/other`);
    const received = await other.receive(stored, 0, new Uint8Array(0));
    assert.deepStrictEqual(received, { nextOffset: 0, complete: true });
    assert.deepStrictEqual(other.newest(), stored);
  });

  suiteTest(side, "two snapshots are kept, older ones are gone", async ({ env, directory }) => {
    const store = await open(env, `${directory}/s`);
    const taken: StoredSnapshot[] = [];
    for (const index of [3, 6, 9]) {
      taken.push(await store.take(metaAt(index), piecesFor(index, 3)));
    }
    assert.equal(await store.read(taken[0]!, 0, 10), null);
    assert.ok(await store.read(taken[1]!, 0, 10) !== null);
    await assert.rejects(stateOf(store, taken[0]!), hasCode("SnapshotCorrupt", /not there/));
    const names = (await env.disk.readDirectory(`${directory}/s`)).map(({ name }) => name);
    assert.equal(names.length, 2, names.join());
    assert.deepStrictEqual((await open(env, `${directory}/s`)).newest(), taken[2]);
  });

  suiteTest(
    side,
    "what was received goes on after a restart, and is named when it is whole",
    async ({ env, directory }) => {
      const from = await open(env, `${directory}/from`);
      const stored = await from.take(metaAt(8), piecesFor(2, 9));
      const to = await open(env, `${directory}/to`);
      await sendAll(from, to, stored, 3);
      assert.equal(to.newest(), null);
      const again = await open(env, `${directory}/to`);
      const asked = await again.receive(stored, 0, new Uint8Array(0));
      assert.deepStrictEqual(asked, { nextOffset: 150, complete: false });
      const out = await again.receive(stored, 100, new Uint8Array(50));
      assert.deepStrictEqual(out, { nextOffset: 150, complete: false }, "a piece that came before");
      await sendAll(from, again, stored);
      assert.deepStrictEqual(again.newest(), stored);
      assert.deepStrictEqual(await stateOf(again, stored), await stateOf(from, stored));
      const done = await again.receive(stored, 0, new Uint8Array(0));
      assert.deepStrictEqual(done, { nextOffset: stored.file.bytes, complete: true });
      const names = (await env.disk.readDirectory(`${directory}/to`)).map(({ name }) => name);
      assert.equal(names.length, 1, names.join());
    },
  );

  suiteTest(
    side,
    "another snapshot replaces the one that is being received",
    async ({ env, directory }) => {
      const from = await open(env, `${directory}/from`);
      const one = await from.take(metaAt(8), piecesFor(2, 9));
      const other = await from.take(metaAt(9), piecesFor(3, 7));
      const to = await open(env, `${directory}/to`);
      await sendAll(from, to, one, 2);
      await sendAll(from, to, other);
      assert.deepStrictEqual(to.newest(), other);
      assert.deepStrictEqual(await stateOf(to, other), await stateOf(from, other));
    },
  );

  suiteTest(side, "a piece with a wrong bit begins it anew", async ({ env, directory }) => {
    const from = await open(env, `${directory}/from`);
    const stored = await from.take(metaAt(8), piecesFor(2, 4));
    const to = await open(env, `${directory}/to`);
    const bytes = (await from.read(stored, 0, stored.file.bytes))!;
    bytes[11]! ^= 4;
    const received = await to.receive(stored, 0, bytes);
    assert.deepStrictEqual(received, { nextOffset: 0, complete: false });
    assert.equal(to.newest(), null);
    await sendAll(from, to, stored);
    assert.deepStrictEqual(to.newest(), stored);
  });

  suiteTest(side, "a state that cannot be written leaves nothing", async ({ env, directory }) => {
    const store = await open(env, `${directory}/s`);
    function* broken() {
      yield new Uint8Array(100);
      throw new Error("the machine failed");
    }
    await assert.rejects(store.take(metaAt(4), broken()), /the machine failed/);
    assert.deepEqual(await env.disk.readDirectory(`${directory}/s`), []);
    await store.take(metaAt(4), piecesFor(1, 2));
  });
}

/** Two snapshots in a simulated world. */
async function withTwo(): Promise<{ env: SimulatedEnv; older: StoredSnapshot; paths: string[] }> {
  const env = simulatedEnv({ seed: 5 });
  return await env.world.complete((async () => {
    const store = await open(env, "/s");
    const older = await store.take(metaAt(3), piecesFor(1, 4));
    await store.take(metaAt(6), piecesFor(2, 4));
    const names = await env.disk.readDirectory("/s");
    return { env, older, paths: names.map(({ name }) => `/s/${name}`).sort() };
  })());
}

Deno.test("any bit flip of the newest snapshot is found, the older one stands in and the log says so", async () => {
  const { env: { machine }, paths } = await withTwo();
  const { inode } = machine.tree.walk("measure", paths[1]!, true);
  const { size } = inode as { size: number };
  for (let position = 0; position < size; position += 1) {
    const { env, older, paths } = await withTwo();
    env.machine.flipBit(paths[1]!, position, position % 8);
    const store = await env.world.complete(open(env, "/s"));
    assert.deepStrictEqual(store.newest(), older, `position ${position}`);
    const said = env.machine.logRecords.filter(({ message }) => /damaged/.test(message));
    assert.equal(said[0]?.facts.path, paths[1]);
  }
});

Deno.test("a damaged snapshot goes when there is a newer one", async () => {
  const { env, paths } = await withTwo();
  env.machine.flipBit(paths[1]!, 80);
  const store = await env.world.complete(open(env, "/s"));
  await env.world.complete(store.take(metaAt(9), piecesFor(3, 2)));
  assert.equal(await env.world.complete(env.disk.stat(paths[1]!)), null);
});

Deno.test("damage that happens later is found when the state is read", async () => {
  const { env, paths } = await withTwo();
  const store = await env.world.complete(open(env, "/s"));
  env.machine.flipBit(paths[1]!, 300);
  const reading = env.world.complete(stateOf(store, store.newest()!));
  await assert.rejects(reading, hasCode("SnapshotCorrupt", /CRC/));
});

Deno.test("a snapshot of a later version is refused", async () => {
  const { env, paths } = await withTwo();
  await env.world.complete((async () => {
    const file = await env.disk.open(paths[1]!, { read: true, write: true });
    const header = new Uint8Array(40);
    await file.read(header, 0);
    const view = new DataView(header.buffer);
    view.setUint32(4, 2, true);
    view.setUint32(36, env.hash.crc32(header.subarray(0, 36)), true);
    await file.write(header, 0);
  })());
  await assert.rejects(env.world.complete(open(env, "/s")), hasCode("LogVersion", /version 2/));
});

Deno.test("a full disk refuses a snapshot, leaves nothing of it, and takes one later", async () => {
  const { env } = await withTwo();
  const store = await env.world.complete(open(env, "/s"));
  env.machine.faults.capacityBytes = 1_500;
  const big = [new Uint8Array(5_000)];
  await assert.rejects(env.world.complete(store.take(metaAt(9), big)), hasCode("DiskFull"));
  assert.equal((await env.world.complete(env.disk.readDirectory("/s"))).length, 2);
  env.machine.faults.capacityBytes = Infinity;
  await env.world.complete(store.take(metaAt(9), big));
  assert.equal(store.newest()?.snapshot.index, 9);
});

Deno.test("a snapshot whose sync failed is none", async () => {
  const { env } = await withTwo();
  const store = await env.world.complete(open(env, "/s"));
  env.machine.faults.syncErrorRate = 1;
  const taking = env.world.complete(store.take(metaAt(9), piecesFor(3, 2)));
  await assert.rejects(taking, hasCode("DiskFailed"));
  assert.equal(store.newest()?.snapshot.index, 6);
  env.machine.faults.syncErrorRate = 0;
  env.crash("power");
  const next = env.restart();
  const again = await next.world.complete(open(next, "/s"));
  assert.equal(again.newest()?.snapshot.index, 6);
});

Deno.test("the event loop gets its turn while a long snapshot is taken", async () => {
  const env = simulatedEnv({ seed: 2 });
  const store = await env.world.complete(open(env, "/s"));
  let turns = 0;
  const count = () => {
    turns += 1;
    if (turns < 1_000) env.timers.soon(count);
  };
  env.timers.soon(count);
  await env.world.complete(store.take(metaAt(1), piecesFor(1, 100)));
  const lines = env.world.traceLines().filter((line) => line.includes("taking.part"));
  assert.ok(lines.length > 100 && turns > 10, `${lines.length} calls, ${turns} turns`);
});

/** Takes and receives by turns; what is complete must be there in every later life. */
async function live(env: SimulatedEnv, source: Map<number, Uint8Array[]>, story: Story) {
  const store = await open(env, "/s");
  const index = store.newest()?.snapshot.index ?? 0;
  assert.ok(index >= story.complete, `${index} is there, ${story.complete} was complete`);
  const newest = store.newest();
  if (newest !== null) {
    assert.deepStrictEqual(await stateOf(store, newest), joined(source.get(index)!));
  }
  story.complete = index;
  for (let next = index + 1; next <= index + 4; next += 1) {
    const pieces = piecesFor(next, 6);
    source.set(next, pieces);
    if (next % 2 === 0) await store.take(metaAt(next), pieces);
    else await receiveAll(env, store, next, joined(pieces), story);
    story.complete = next;
  }
}

/** How far the world's stories have come. */
interface Story {
  complete: number;
  resumed: number;
}

async function receiveAll(
  env: SimulatedEnv,
  store: SnapshotStore,
  index: number,
  state: Uint8Array,
  story: Story,
) {
  const file = { bytes: state.length, crc: env.hash.crc32(state) };
  const stored = { snapshot: metaAt(index), file };
  let { nextOffset, complete } = await store.receive(stored, 0, new Uint8Array(0));
  if (nextOffset > 0) story.resumed += 1;
  while (!complete) {
    const piece = state.subarray(nextOffset, nextOffset + 40);
    ({ nextOffset, complete } = await store.receive(stored, nextOffset, piece));
  }
}

Deno.test("power lost at random moments of many lives: whatever was complete is there, and right", async () => {
  const totals: Story = { complete: 0, resumed: 0 };
  for (let seed = 0; seed < 60; seed += 1) {
    let env = simulatedEnv({ seed, tornWrites: true });
    const draw = env.machine.random;
    const source = new Map<number, Uint8Array[]>();
    const story: Story = { complete: 0, resumed: 0 };
    for (let number = 0; number < 6; number += 1) {
      let failure: unknown;
      live(env, source, story).catch((thrown) => failure = thrown);
      for (let events = draw.integer(0, 150); events > 0; events -= 1) {
        const more = await env.world.step();
        if (failure !== undefined) throw new Error(`seed ${seed}`, { cause: failure });
        if (!more) break;
      }
      env.crash(draw.chance(0.6) ? "power" : "process");
      env = env.restart();
    }
    await env.world.complete(live(env, source, story));
    totals.resumed += story.resumed;
  }
  assert.ok(totals.resumed > 5, `${totals.resumed} were resumed`);
});
