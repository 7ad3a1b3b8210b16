import assert from "node:assert/strict";
import type { Entry, HardState } from "../../../../runtime/raft/core/entry.ts";
import type { PersistOrder } from "../../../../runtime/raft/core/outputs.ts";
import { RaftError, type RaftErrorCode } from "../../../../runtime/raft/errors.ts";
import type { RaftLogStore, StoredSnapshot } from "../../../../runtime/raft/storage.ts";
import type { RaftLogOptions } from "../../../../runtime/raft/wal/log_options.ts";
import { readWhole } from "../../../../runtime/raft/wal/files.ts";
import { openRaftLog } from "../../../../runtime/raft/wal/open.ts";
import type { Env } from "../../../../runtime/env/env.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../../runtime/sim/env.ts";
import { REAL, SIMULATED, suiteTest } from "../../env/subject.ts";
import { FIRST, storedAt } from "./log_model.ts";

const LIMITS = { segmentBytes: 1_200, reserveBytes: 2_400, syncEveryBytes: 4_096 };
const FIRST_SEGMENT = "/g/0000000000000001.wal";

function optionsFor(folder: string, more: Partial<RaftLogOptions> = {}): RaftLogOptions {
  const identity = { group: "g", member: "a" };
  return { folder, identity, limits: LIMITS, first: FIRST, create: true, newest: null, ...more };
}

function entriesFrom(first: number, count: number, term = 1, bytes = 20): Entry[] {
  return Array.from({ length: count }, (_, position) => ({
    index: first + position,
    term,
    stampMs: 1_000 + position,
    kind: "command" as const,
    data: new Uint8Array(bytes).fill(first + position),
  }));
}

function stateAt(term: number, vote: string | null = null, commit = 0): HardState {
  return { term, vote, commit };
}

/** Orders in a row. */
class Line {
  readonly log: RaftLogStore;
  #number = 0;

  constructor(log: RaftLogStore) {
    this.log = log;
  }

  order(parts: Partial<PersistOrder>): PersistOrder {
    this.#number += 1;
    return { number: this.#number, reset: null, entries: [], hardState: null, ...parts };
  }

  persist(parts: Partial<PersistOrder>): Promise<void> {
    return this.log.persist(this.order(parts));
  }
}

function indexes(log: RaftLogStore): number[] {
  return log.restored.entries.map(({ index }) => index);
}

function hasCode(code: RaftErrorCode, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

async function segmentsOf(env: Env, folder: string): Promise<string[]> {
  const names = await env.disk.readDirectory(folder);
  return names.map(({ name }) => name).filter((name) => name.endsWith(".wal")).sort();
}

for (const side of [REAL, SIMULATED]) {
  suiteTest(side, "a new log begins empty and gives back what went in", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    assert.deepStrictEqual(line.log.restored, {
      hardState: stateAt(0),
      snapshot: FIRST,
      file: null,
      entries: [],
    });
    await line.persist({ entries: entriesFrom(1, 3), hardState: stateAt(1, "b", 2) });
    await line.persist({ hardState: stateAt(2, "a", 3) });
    await line.log.close();
    await line.log.close();
    const again = await openRaftLog(env, { ...options, create: false });
    assert.deepStrictEqual(again.restored.hardState, stateAt(2, "a", 3));
    assert.deepStrictEqual(
      again.restored.entries.map((entry) => ({ ...entry, data: entry.data.slice() })),
      entriesFrom(1, 3),
    );
    await again.close();
  });

  suiteTest(side, "later entries replace earlier ones, over many segments", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    for (let first = 1; first <= 60; first += 3) {
      await line.persist({ entries: entriesFrom(first, 3) });
    }
    await line.persist({ entries: entriesFrom(31, 2, 2), hardState: stateAt(2) });
    await line.log.close();
    assert.ok((await segmentsOf(env, options.folder)).length > 3);
    const again = await openRaftLog(env, options);
    assert.deepStrictEqual(indexes(again), Array.from({ length: 32 }, (_, at) => at + 1));
    assert.deepStrictEqual(again.restored.entries.slice(29).map(({ term }) => term), [1, 2, 2]);
    await again.close();
  });

  suiteTest(side, "a reset empties the log and frees its files", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    for (let first = 1; first <= 60; first += 3) {
      await line.persist({ entries: entriesFrom(first, 3) });
    }
    const newest = storedAt(90, 4);
    await line.persist({
      reset: newest.snapshot,
      entries: entriesFrom(91, 1, 4),
      hardState: stateAt(4),
    });
    await line.log.close();
    const again = await openRaftLog(env, { ...options, newest });
    assert.deepStrictEqual(indexes(again), [91]);
    assert.deepStrictEqual(again.restored.snapshot, newest.snapshot);
    assert.deepStrictEqual(again.restored.file, newest.file);
    assert.ok((await segmentsOf(env, options.folder)).length <= 4);
    await again.close();
  });

  suiteTest(side, "compaction frees whole files and keeps vote and term", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    await line.persist({ hardState: stateAt(7, "c") });
    for (let first = 1; first <= 60; first += 3) {
      await line.persist({ entries: entriesFrom(first, 3) });
    }
    const before = (await segmentsOf(env, options.folder)).length;
    await line.log.compact(50);
    const newest = storedAt(50, 1);
    await line.log.close();
    assert.ok((await segmentsOf(env, options.folder)).length < before - 1);
    const again = await openRaftLog(env, { ...options, newest });
    assert.deepStrictEqual(again.restored.hardState, stateAt(7, "c"));
    const [oldest] = indexes(again);
    assert.ok(oldest! > 1 && oldest! <= 51 && indexes(again).at(-1) === 60);
    await again.close();
    const refused = openRaftLog(env, optionsFor(options.folder));
    await assert.rejects(refused, hasCode("SnapshotCorrupt", /begins after entry \d+.*no whole/));
    const short = openRaftLog(env, optionsFor(options.folder, { newest: storedAt(2, 1) }));
    await assert.rejects(short, hasCode("SnapshotCorrupt", /newest ends at 2/));
  });

  suiteTest(side, "an order longer than a file is cut up and comes back whole", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    const long = [
      ...entriesFrom(1, 9, 3, 300),
      ...entriesFrom(10, 1, 3, 5_000),
      ...entriesFrom(11, 2, 3),
    ];
    await line.persist({ entries: long, hardState: stateAt(3, "b") });
    await line.log.close();
    const again = await openRaftLog(env, options);
    assert.deepStrictEqual(
      again.restored.entries.map((entry) => ({ ...entry, data: entry.data.slice() })),
      long,
    );
    assert.deepStrictEqual(again.restored.hardState, stateAt(3, "b"));
    await again.close();
  });

  suiteTest(side, "a snapshot that the log does not hold replaces it", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const line = new Line(await openRaftLog(env, options));
    await line.persist({ entries: entriesFrom(1, 5), hardState: stateAt(1, null, 9) });
    await line.log.close();
    const held = await openRaftLog(env, { ...options, newest: storedAt(3, 1) });
    assert.deepStrictEqual(indexes(held), [1, 2, 3, 4, 5]);
    assert.equal(held.restored.hardState.commit, 5, "the hint is no further than the log");
    await held.close();
    const other = await openRaftLog(env, { ...options, newest: storedAt(3, 2) });
    assert.deepStrictEqual(indexes(other), []);
    await new Line(other).persist({ entries: entriesFrom(4, 1, 2) });
    await other.close();
    const later = await openRaftLog(env, { ...options, newest: storedAt(8, 2) });
    assert.deepStrictEqual(indexes(later), []);
    await new Line(later).persist({ entries: entriesFrom(9, 1, 2) });
    await later.close();
  });

  suiteTest(side, "a folder belongs to one member and one process", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    const none = openRaftLog(env, { ...options, create: false });
    await assert.rejects(none, hasCode("WrongFolder", /no such folder/));
    const log = await openRaftLog(env, options);
    await assert.rejects(openRaftLog(env, options), hasCode("FolderLocked", /stop that one/));
    await log.close();
    for (const identity of [{ group: "g", member: "b" }, { group: "h", member: "a" }]) {
      const refused = openRaftLog(env, { ...options, identity });
      await assert.rejects(refused, hasCode("WrongFolder", /belongs to member a of group g/));
    }
  });

  suiteTest(side, "a folder that lost its log or its identity is refused", async (subject) => {
    const { env } = subject;
    const options = optionsFor(`${subject.directory}/g`);
    await (await openRaftLog(env, options)).close();
    const identity = `${options.folder}/identity.json`;
    await env.disk.rename(identity, `${options.folder}/elsewhere`);
    await assert.rejects(
      openRaftLog(env, options),
      hasCode("WrongFolder", /identity\.json is missing/),
    );
    await env.disk.rename(`${options.folder}/elsewhere`, identity);
    for (const name of await segmentsOf(env, options.folder)) {
      await env.disk.remove(`${options.folder}/${name}`);
    }
    await assert.rejects(
      openRaftLog(env, options),
      hasCode("LogCorrupt", /log is missing.*new id/),
    );
  });
}

/** A log in a simulated world with these orders, each in a batch of its own, and closed. */
async function madeLog(orders: readonly Partial<PersistOrder>[]): Promise<SimulatedEnv> {
  const env = simulatedEnv({ seed: 3 });
  await env.world.complete((async () => {
    const line = new Line(await openRaftLog(env, optionsFor("/g")));
    for (const order of orders) await line.persist(order);
    await line.log.close();
  })());
  return env;
}

function opened(env: SimulatedEnv, newest: StoredSnapshot | null = null): Promise<RaftLogStore> {
  return env.world.complete(openRaftLog(env, optionsFor("/g", { newest })));
}

Deno.test("orders that wait together are one write and one sync", async () => {
  const env = simulatedEnv({ seed: 1 });
  const limits = { segmentBytes: 100_000, reserveBytes: 1, syncEveryBytes: 4_096 };
  const log = await env.world.complete(openRaftLog(env, optionsFor("/g", { limits })));
  await env.world.settle();
  const from = env.world.traceLines().length;
  const line = new Line(log);
  const all = entriesFrom(1, 100).map((entry) => line.persist({ entries: [entry] }));
  await env.world.complete(Promise.all(all));
  const lines = env.world.traceLines().slice(from);
  assert.equal(lines.filter((text) => text.includes("syncData")).length, 1, lines.join("\n"));
  assert.equal(lines.filter((text) => text.includes("write")).length, 1);
});

Deno.test("every bit flip is found, or stands where nothing was acknowledged", async () => {
  const orders: Partial<PersistOrder>[] = [
    { entries: entriesFrom(1, 2), hardState: stateAt(1, "b") },
    { entries: entriesFrom(3, 1), hardState: stateAt(1, "b", 2) },
    ...Array.from({ length: 6 }, (_, at) => ({ entries: entriesFrom(4 + at * 3, 3, 1, 40) })),
    { entries: entriesFrom(15, 2, 2), hardState: stateAt(2, "a", 14) },
  ];
  const whole = await madeLog(orders);
  const expected = (await opened(whole)).restored;
  const names = await whole.world.complete(segmentsOf(whole, "/g"));
  const paths = [...names, "identity.json"].map((name) => `/g/${name}`);
  const found = { refused: 0, harmless: 0 };
  for (const path of paths) {
    const { size } = whole.machine.tree.walk("measure", path, true).inode as { size: number };
    const bytes = (await whole.world.complete(readWhole(whole.disk, path)))!;
    for (let position = 0; position < size; position += bytes[position] === 0 ? 7 : 2) {
      const env = await madeLog(orders);
      env.machine.flipBit(path, position, position % 8);
      try {
        assert.deepStrictEqual((await opened(env)).restored, expected, `${path} ${position}`);
        found.harmless += 1;
      } catch (error) {
        if (!(error instanceof RaftError)) throw error;
        assert.match(error.code, /LogCorrupt|LogVersion|WrongFolder/, error.message);
        assert.match(error.message, /\/g/, error.message);
        found.refused += 1;
      }
    }
  }
  assert.ok(found.refused > 400 && found.harmless > 200, JSON.stringify(found));
});

Deno.test("damage is refused with file, offset, index and what to do", async () => {
  const env = await madeLog([{ entries: entriesFrom(1, 2) }, { entries: entriesFrom(3, 2) }]);
  env.machine.flipBit(FIRST_SEGMENT, 450);
  const reason = /0001\.wal at offset \d+, after entry 2: record 3 is damaged.*new id.*learner/;
  await assert.rejects(opened(env), hasCode("LogCorrupt", reason));
});

Deno.test("a missing file in the middle is refused", async () => {
  const orders = Array.from({ length: 20 }, (_, at) => ({ entries: entriesFrom(1 + at * 3, 3) }));
  for (const gone of [2, 3]) {
    const env = await madeLog(orders);
    await env.world.complete(env.disk.remove(`/g/${String(gone).padStart(16, "0")}.wal`));
    await assert.rejects(opened(env), hasCode("LogCorrupt", /segment \d is missing/));
  }
});

Deno.test("files of a later version are refused, not cut", async () => {
  const env = await madeLog([{ entries: entriesFrom(1, 2) }]);
  await env.world.complete((async () => {
    const file = await env.disk.open(FIRST_SEGMENT, { read: true, write: true });
    const header = new Uint8Array(32);
    await file.read(header, 0);
    const view = new DataView(header.buffer);
    view.setUint32(4, 2, true);
    view.setUint32(28, env.hash.crc32(header.subarray(0, 28)), true);
    await file.write(header, 0);
  })());
  await assert.rejects(opened(env), hasCode("LogVersion", /version 2/));
});

Deno.test("a failed sync closes the log for good, and a failed write does", async () => {
  for (const fault of ["syncErrorRate", "writeErrorRate"] as const) {
    const env = simulatedEnv({ seed: 1 });
    const line = new Line(await opened(env));
    await env.world.settle();
    await env.world.complete(line.persist({ entries: entriesFrom(1, 1) }));
    await env.world.settle();
    env.machine.faults[fault] = 1;
    const both = [
      line.persist({ entries: entriesFrom(2, 1) }),
      line.persist({ hardState: stateAt(5) }),
    ];
    const outcomes = await env.world.complete(Promise.allSettled(both));
    env.machine.faults[fault] = 0;
    for (const outcome of outcomes) {
      assert.ok(outcome.status === "rejected");
      hasCode("DiskFailed", /member must stop/)(outcome.reason);
    }
    await assert.rejects(line.persist({ hardState: stateAt(6) }), hasCode("DiskFailed"));
    await assert.rejects(line.log.compact(1), hasCode("DiskFailed"));
    await env.world.complete(line.log.close());
    const again = await opened(env);
    assert.equal(again.restored.entries[0]?.index, 1);
    assert.ok(again.restored.hardState.term < 6);
  }
});

Deno.test("a full disk refuses entries before it writes any, and takes votes and terms still", async () => {
  const env = simulatedEnv({ seed: 1 });
  const line = new Line(await opened(env));
  await env.world.settle();
  env.machine.faults.capacityBytes = env.machine.tree.usedBytes() + 200;
  let last = 0;
  let refused: PersistOrder | null = null;
  while (refused === null) {
    const order = line.order({ entries: entriesFrom(last + 1, 2), hardState: stateAt(1, "b") });
    try {
      await env.world.complete(line.log.persist(order));
      last += 2;
    } catch (error) {
      hasCode("DiskFull", /free space, then try again/)(error);
      refused = order;
    }
  }
  assert.ok(last > 10, `${last} entries went in`);
  for (let term = 2; term <= 12; term += 1) {
    await env.world.complete(line.persist({ hardState: stateAt(term, "a") }));
  }
  const after = line.order({ entries: entriesFrom(last + 3, 1) });
  await assert.rejects(
    env.world.complete(line.log.persist(after)),
    hasCode("DiskFull", /before order/),
  );
  env.machine.faults.capacityBytes = Infinity;
  await env.world.complete(line.log.persist(refused));
  await env.world.complete(line.log.persist(after));
  env.crash("power");
  const next = env.restart();
  const again = await opened(next);
  assert.equal(again.restored.entries.length, last + 3);
  assert.deepStrictEqual(again.restored.hardState, stateAt(12, "a"), "no older vote came back");
});

Deno.test("a log opens on a full disk, and on one that is full when it begins it says so", async () => {
  const env = await madeLog([{ entries: entriesFrom(1, 2), hardState: stateAt(1) }]);
  env.machine.faults.capacityBytes = env.machine.tree.usedBytes();
  const line = new Line(await opened(env));
  assert.deepStrictEqual(indexes(line.log), [1, 2]);
  await env.world.complete(line.persist({ hardState: stateAt(2) }));
  const other = simulatedEnv({ seed: 2, capacityBytes: 1_000 });
  await assert.rejects(opened(other), hasCode("DiskFull"));
  other.machine.faults.capacityBytes = Infinity;
  assert.deepStrictEqual(indexes(await opened(other)), []);
});

Deno.test("entries that leave a gap, and a closed log, are refused", async () => {
  const env = simulatedEnv({ seed: 1 });
  const line = new Line(await opened(env));
  await env.world.complete(line.log.close());
  await assert.rejects(line.persist({ hardState: stateAt(1) }), hasCode("Stopped", /closed/));
  const next = new Line(await opened(env));
  const gap = env.world.complete(next.persist({ entries: entriesFrom(2, 1) }));
  await assert.rejects(gap, /entry 2 follows entry 0/);
});
