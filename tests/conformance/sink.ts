/** Cases: temporary files. */

import assert from "node:assert/strict";
import type { Sink, SinkFile } from "../../protocols/contract.ts";
import {
  assertBytes,
  assertFails,
  NEVER,
  patterned,
  sha256,
  type SinkCase,
  sinkOf,
  toldSize,
} from "./case.ts";

const OPTIONS = { name: "final.bin", replace: true, mtimeMs: null, mode: null };

async function publishedWith(sink: Sink, file: SinkFile): Promise<void> {
  await sink.publish(file, OPTIONS);
  await sink.close();
}

export const sinkCases: readonly SinkCase[] = [
  {
    title: "shows nothing at the final name before publishing, and everything after",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      assert.equal(file.temp, "t.part");
      await file.write(patterned(100_000).subarray(0, 60_000), 0);
      await file.write(patterned(100_000).subarray(60_000), 60_000);
      await file.sync();
      assert.equal(await file.size(), 100_000);
      assert.equal(await sink.stat("final.bin", NEVER), null);
      assert.equal(await place.published("final.bin"), null);
      const facts = await sink.publish(file, OPTIONS);
      assert.equal(facts.size, toldSize(place, 100_000));
      assertBytes(await place.published("final.bin"), patterned(100_000), "the published file");
      assert.deepEqual(await sink.stat("final.bin", NEVER), facts);
      assert.equal(await place.published("t.part"), null, "the temporary name is gone");
      await sink.close();
    },
  },
  {
    title: "publishes an empty file",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await publishedWith(sink, file);
      assertBytes(await place.published("final.bin"), new Uint8Array(0), "the published file");
    },
  },
  {
    title: "creates a temporary file only where none stands",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await file.write(patterned(10), 0);
      const error = await assertFails(() => sink.create("t.part", NEVER), "exists", "twice");
      assert.ok(error.definite);
      await publishedWith(sink, file);
      assertBytes(await place.published("final.bin"), patterned(10), "the first one's bytes");
    },
  },
  {
    title: "writes at any position where it declares that, at the end only where not",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      const bytes = patterned(30_000);
      if (sink.capabilities.randomWrites) {
        for (const at of [20_000, 0, 10_000, 5_000]) {
          await file.write(bytes.subarray(at, at + 10_000), at);
        }
        await publishedWith(sink, file);
        assertBytes(await place.published("final.bin"), bytes, "the published file");
      } else {
        await file.write(bytes, 0);
        await assertFails(() => file.write(bytes, 40_000), "unsupported", "a gap");
        await assertFails(() => file.write(bytes, 0), "unsupported", "writing over");
        await file.close();
        await sink.close();
      }
    },
  },
  {
    title: "reopens a temporary file and writes on where it declares resume",
    async run(place, harness) {
      const bytes = patterned(20_000);
      const sink = sinkOf(harness, place, "final.bin");
      const first = await sink.create("t.part", NEVER);
      await first.write(bytes.subarray(0, 12_345), 0);
      await first.sync();
      await first.close();
      await sink.close();
      const later = sinkOf(harness, place, "final.bin");
      if (!later.capabilities.resume) {
        await assertFails(() => later.reopen("t.part", NEVER), "unsupported", "reopen");
        return await later.close();
      }
      const again = await later.reopen("t.part", NEVER);
      assert.ok(again !== null);
      assert.equal(await again.size(), 12_345);
      assert.equal(again.fileId, first.fileId);
      await again.write(bytes.subarray(12_345), 12_345);
      await publishedWith(later, again);
      assertBytes(await place.published("final.bin"), bytes, "the published file");
    },
  },
  {
    title: "cuts a temporary file off and writes on from there",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await file.write(patterned(5_000, 1), 0);
      await file.truncate(2_000);
      assert.equal(await file.size(), 2_000);
      await file.write(patterned(5_000, 1).subarray(2_000), 2_000);
      await publishedWith(sink, file);
      assertBytes(await place.published("final.bin"), patterned(5_000, 1), "the published file");
    },
  },
  {
    title: "finds nothing to reopen, to look at or to remove where nothing is",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      if (sink.capabilities.resume) assert.equal(await sink.reopen("t.part", NEVER), null);
      if (sink.capabilities.readBack) assert.equal(await sink.hash("final.bin", NEVER), null);
      assert.equal(await sink.stat("final.bin", NEVER), null);
      await sink.abort("t.part");
      await sink.close();
    },
  },
  {
    title: "reads back what was written and hashes what was published, where it declares that",
    async run(place, harness) {
      const bytes = patterned(10_000);
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await file.write(bytes, 0);
      const into = new Uint8Array(4_000);
      if (sink.capabilities.readBack) {
        assert.equal(await file.read(into, 1_000), 4_000);
        assertBytes(into, bytes.slice(1_000, 5_000), "what was read back");
        assert.equal(await file.read(into, 9_000), 1_000);
        assert.equal(await file.read(into, 10_000), 0);
        await sink.publish(file, OPTIONS);
        assert.equal(await sink.hash("final.bin", NEVER), sha256(bytes));
      } else {
        await assertFails(() => file.read(into, 0), "unsupported", "read");
        await assertFails(() => sink.hash("final.bin", NEVER), "unsupported", "hash");
        await file.close();
      }
      await sink.close();
    },
  },
  {
    title: "tells a file's identity before and after publishing, where it declares one",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      assert.equal(file.fileId !== null, sink.capabilities.fileId);
      const facts = await sink.publish(file, OPTIONS);
      assert.equal(facts.fileId, file.fileId);
      await sink.close();
    },
  },
  {
    title: "removes a temporary file, once or twice, open or not",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await file.write(patterned(10), 0);
      await sink.abort("t.part");
      await sink.abort("t.part");
      const error = await assertFails(() => sink.publish(file, OPTIONS), "notFound", "publish");
      assert.ok(error.definite);
      assert.equal(await place.published("final.bin"), null);
      const fresh = await sink.create("t.part", NEVER);
      assert.equal(await fresh.size(), 0);
      await fresh.close();
      await sink.close();
    },
  },
  {
    title: "does nothing when its signal fired before",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const signal = AbortSignal.abort(new Error("no longer wanted"));
      await assertFails(() => sink.create("t.part", signal), "aborted", "create");
      await assertFails(() => sink.stat("final.bin", signal), "aborted", "stat");
      if (sink.capabilities.resume) {
        await assertFails(() => sink.reopen("t.part", signal), "aborted", "reopen");
        assert.equal(await sink.reopen("t.part", NEVER), null);
      }
      await sink.close();
    },
  },
  {
    title: "can be closed twice, and a closed file fails with a typed error",
    async run(place, harness) {
      const sink = sinkOf(harness, place, "final.bin");
      const file = await sink.create("t.part", NEVER);
      await file.close();
      await file.close();
      await assertFails(() => file.write(patterned(1), 0), ["io", "aborted"], "write");
      await sink.abort("t.part");
      await sink.close();
      await sink.close();
    },
  },
  {
    title: "makes missing directories only when told",
    async run(place, harness) {
      if (place.directories !== true) return;
      const name = "new/er/final.bin";
      const strict = sinkOf(harness, place, name);
      const error = await assertFails(() => strict.create("t.part", NEVER), "notFound", "create");
      assert.match(error.message, /createDirectories/);
      assert.equal(await strict.stat("final.bin", NEVER), null);
      const sink = sinkOf(harness, place, name, { createDirectories: true });
      const file = await sink.create("t.part", NEVER);
      await file.write(patterned(10), 0);
      await publishedWith(sink, file);
      assertBytes(await place.published(name), patterned(10), "the published file");
      await strict.close();
    },
  },
];
