import assert from "node:assert/strict";
import type { Env } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { type Journal, openJournal } from "../../../runtime/store/journal.ts";
import { JournalError, type JournalErrorCode } from "../../../runtime/store/journal_error.ts";
import { HEADER_BYTES } from "../../../runtime/store/journal_format.ts";
import { REAL, SIMULATED, suiteTest } from "../env/subject.ts";

const text = (value: string) => new TextEncoder().encode(value);
const SMALL = { limits: { segmentBytes: 100 } };
const FIRST = "/j/0000000000000001.journal";

async function contents(journal: Journal): Promise<string[]> {
  const found: string[] = [];
  for await (const { index, bytes } of journal.replay) {
    found.push(`${index} ${new TextDecoder().decode(bytes)}`);
  }
  return found;
}

async function appendEach(journal: Journal, ...records: readonly string[]): Promise<void> {
  for (const record of records) await journal.durable(journal.append(text(record)));
}

function hasCode(code: JournalErrorCode, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof JournalError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

for (const side of [REAL, SIMULATED]) {
  suiteTest(
    side,
    "a journal gives back its records over several segments and openings",
    async ({ env, directory }) => {
      const path = `${directory}/j`;
      const journal = await openJournal(env, path, SMALL);
      assert.deepEqual([journal.firstIndex, journal.lastIndex], [1, 0]);
      assert.deepEqual(await contents(journal), []);
      await appendEach(journal, "one", "", "three".repeat(20), "four");
      await journal.close();
      await journal.close();
      const again = await openJournal(env, path, SMALL);
      assert.equal(again.lastIndex, 4);
      await appendEach(again, "five");
      const all = ["1 one", "2 ", `3 ${"three".repeat(20)}`, "4 four", "5 five"];
      assert.deepEqual(await contents(again), all);
      assert.ok((await env.disk.readDirectory(path)).length > 1);
      await again.close();
    },
  );

  suiteTest(
    side,
    "records that wait together become durable together, preallocated or unsynced",
    async ({ env, directory }) => {
      for (
        const [number, options] of [{ limits: { preallocateBytes: 4_096, segmentBytes: 300 } }, {
          sync: false,
        }].entries()
      ) {
        const path = `${directory}/j${number}`;
        const journal = await openJournal(env, path, options);
        const indices = Array.from({ length: 50 }, (_, n) => journal.append(text(`r${n}`)));
        await Promise.all(indices.map((index) => journal.durable(index)));
        await journal.close();
        const again = await openJournal(env, path, options);
        assert.deepEqual(await contents(again), indices.map((index) => `${index} r${index - 1}`));
        await again.close();
      }
    },
  );

  suiteTest(
    side,
    "dropping removes whole segments only and survives reopening",
    async ({ env, directory }) => {
      const journal = await openJournal(env, `${directory}/j`, { limits: { segmentBytes: 1 } });
      await appendEach(journal, "a", "b", "c");
      await journal.dropBefore(3);
      assert.deepEqual(await contents(journal), ["3 c"]);
      await journal.close();
      const again = await openJournal(env, `${directory}/j`, { limits: { segmentBytes: 1 } });
      assert.deepEqual([again.firstIndex, again.lastIndex], [3, 3]);
      await again.close();
    },
  );
}

/** Makes a journal with these records in a simulated world, and closes it. */
async function madeJournal(...records: readonly string[]): Promise<SimulatedEnv> {
  const env = simulatedEnv({ seed: 3 });
  await env.world.complete((async () => {
    const journal = await openJournal(env, "/j");
    await appendEach(journal, ...records);
    await journal.close();
  })());
  return env;
}

function opened(env: SimulatedEnv): Promise<Journal> {
  return env.world.complete(openJournal(env, "/j"));
}

Deno.test("all records that wait are one write and one sync", async () => {
  const env = simulatedEnv({ seed: 1 });
  const journal = await opened(env);
  for (let count = 0; count < 100; count += 1) journal.append(text("x"));
  await env.world.complete(journal.durable(100));
  const lines = env.world.traceLines();
  assert.equal(lines.filter((line) => line.includes("syncData")).length, 1);
});

Deno.test("a damaged record before later batches is refused with file and offset", async () => {
  const env = await madeJournal("first", "second", "third");
  env.machine.flipBit(FIRST, HEADER_BYTES + 22);
  await assert.rejects(opened(env), hasCode("corrupt", /0001\.journal at offset 24.*restore/));
});

Deno.test("a damaged header and a missing segment are refused", async () => {
  const env = await madeJournal("first", "second");
  env.machine.flipBit(FIRST, 2);
  await assert.rejects(opened(env), hasCode("corrupt", /header/));
  const other = simulatedEnv({ seed: 4 });
  await other.world.complete((async () => {
    const journal = await openJournal(other, "/j", { limits: { segmentBytes: 1 } });
    await appendEach(journal, "a", "b", "c");
    await other.disk.remove("/j/0000000000000002.journal");
  })());
  await assert.rejects(opened(other), hasCode("corrupt", /missing/));
});

Deno.test("a damaged end is cut, and stays cut", async () => {
  const env = await madeJournal("first", "second");
  const { size } = (await env.world.complete(env.disk.stat(FIRST)))!;
  env.machine.flipBit(FIRST, size - 1);
  const journal = await opened(env);
  assert.deepEqual(await env.world.complete(contents(journal)), ["1 first"]);
  await env.world.complete(appendEach(journal, "2nd"));
  env.crash("power");
  const next = env.restart();
  assert.deepEqual(await next.world.complete(contents(await opened(next))), ["1 first", "2 2nd"]);
});

Deno.test("a failed sync breaks the journal for good", async () => {
  const env = simulatedEnv({ seed: 1 });
  const journal = await opened(env);
  await env.world.complete(appendEach(journal, "kept"));
  env.machine.faults.syncErrorRate = 1;
  const index = journal.append(text("lost"));
  await assert.rejects(
    env.world.complete(journal.durable(index)),
    hasCode("broken", /check the disk/),
  );
  env.machine.faults.syncErrorRate = 0;
  assert.throws(() => journal.append(text("more")), hasCode("broken"));
  await assert.rejects(journal.durable(index), hasCode("broken"));
  assert.deepEqual(await env.world.complete(contents(journal)), ["1 kept"]);
  await env.world.complete(journal.close());
});

Deno.test("a full disk is its own error, the journal stays readable", async () => {
  const env = simulatedEnv({ seed: 1, capacityBytes: 200 });
  const journal = await opened(env);
  await env.world.complete(appendEach(journal, "kept"));
  const index = journal.append(new Uint8Array(500));
  await assert.rejects(env.world.complete(journal.durable(index)), (error: unknown) => {
    assert.ok(error instanceof JournalError && error.cause instanceof DiskError);
    return hasCode("noSpace", /free space/)(error);
  });
  assert.deepEqual(await env.world.complete(contents(journal)), ["1 kept"]);
  env.machine.faults.capacityBytes = Infinity;
  const again = await opened(env);
  assert.equal(again.lastIndex, 1);
});

Deno.test("records and queues over their limits, and closed journals, are refused", async () => {
  const env = simulatedEnv({ seed: 1 });
  const limits = { recordBytes: 100, pendingBytes: 150 };
  const journal = await env.world.complete(openJournal(env, "/j", { limits }));
  assert.throws(() => journal.append(new Uint8Array(101)), hasCode("tooLarge"));
  journal.append(new Uint8Array(100));
  assert.throws(() => journal.append(new Uint8Array(100)), hasCode("full"));
  await env.world.complete(journal.durable(1));
  journal.append(new Uint8Array(100));
  await env.world.complete(journal.close());
  assert.throws(() => journal.append(new Uint8Array(1)), hasCode("closed"));
});

Deno.test("a segment of a later format version is refused, not cut", async () => {
  const env = await madeJournal("first");
  const newer: Env["disk"] = env.disk;
  await env.world.complete((async () => {
    const file = await newer.open(FIRST, { read: true, write: true });
    const header = new Uint8Array(HEADER_BYTES);
    await file.read(header, 0);
    const view = new DataView(header.buffer);
    view.setUint32(4, 2, true);
    view.setUint32(16, env.hash.crc32(header.subarray(0, 16)), true);
    await file.write(header, 0);
  })());
  await assert.rejects(opened(env), hasCode("corrupt", /version 2/));
});
