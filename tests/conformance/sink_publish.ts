/** Cases: publishing and what is found afterwards. */

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

const NAME = "final.bin";
const REPLACE = { name: NAME, replace: true, mtimeMs: null, mode: null };
const KEEP = { ...REPLACE, replace: false };

async function written(sink: Sink, temp: string, bytes: Uint8Array): Promise<SinkFile> {
  const file = await sink.create(temp, NEVER);
  await file.write(bytes, 0);
  return file;
}

function expectationOf(bytes: Uint8Array, fileId: string | null) {
  return { name: NAME, size: bytes.length, sha256: sha256(bytes), fileId };
}

export const publishCases: readonly SinkCase[] = [
  {
    title: "replaces what stood at the final name when told",
    async run(place, harness) {
      await place.put(NAME, patterned(10, 1));
      const sink = sinkOf(harness, place, NAME);
      assert.equal((await sink.stat(NAME, NEVER))?.size, toldSize(place, 10));
      const file = await written(sink, "t.part", patterned(2_000, 2));
      assertBytes(await place.published(NAME), patterned(10, 1), "before publishing");
      await sink.publish(file, REPLACE);
      assertBytes(await place.published(NAME), patterned(2_000, 2), "after publishing");
      await sink.close();
    },
  },
  {
    title: "refuses a taken name when told not to replace, and keeps both files",
    async run(place, harness) {
      await place.put(NAME, patterned(10, 1));
      const sink = sinkOf(harness, place, NAME);
      const file = await written(sink, "t.part", patterned(2_000, 2));
      const error = await assertFails(() => sink.publish(file, KEEP), "exists", "publish");
      assert.ok(error.definite && !error.retryable);
      assertBytes(await place.published(NAME), patterned(10, 1), "what stood there");
      if (sink.capabilities.resume) {
        const kept = await sink.reopen("t.part", NEVER);
        assert.ok(kept !== null, "the temporary file is kept for another decision");
        await sink.publish(kept, { ...KEEP, name: "other.bin" });
        assertBytes(await place.published("other.bin"), patterned(2_000, 2), "the other name");
      }
      await sink.close();
    },
  },
  {
    title: "publishes to a free name when told not to replace",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      const file = await written(sink, "t.part", patterned(2_000));
      await sink.publish(file, KEEP);
      assertBytes(await place.published(NAME), patterned(2_000), "the published file");
      assert.equal(await place.published("t.part"), null);
      await sink.close();
    },
  },
  {
    title: "lets one of many win a free name where it declares renameNoReplace",
    async run(place, harness) {
      const sinks = [1, 2, 3, 4].map(() => sinkOf(harness, place, NAME));
      if (sinks[0]?.capabilities.renameNoReplace !== true) return;
      const files = await Promise.all(
        sinks.map((sink, seed) => written(sink, `t${seed}.part`, patterned(500, seed))),
      );
      const outcomes = await Promise.allSettled(
        sinks.map((sink, index) => sink.publish(files[index]!, KEEP)),
      );
      const winner = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
      assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
      assertBytes(await place.published(NAME), patterned(500, winner), "the winner's bytes");
      for (const sink of sinks) await sink.close();
    },
  },
  {
    title: "gives the modification time where it declares mtime, refuses to where not",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      const file = await written(sink, "t.part", patterned(10));
      const mtimeMs = Date.UTC(2019, 1, 3, 4, 5, 6, 789);
      if (sink.capabilities.mtime) {
        const grain = place.mtimeGrainMs ?? 1;
        const kept = Math.floor(mtimeMs / grain) * grain;
        assert.equal((await sink.publish(file, { ...REPLACE, mtimeMs })).mtimeMs, kept);
        assert.equal((await sink.stat(NAME, NEVER))?.mtimeMs, kept);
      } else {
        const call = () => sink.publish(file, { ...REPLACE, mtimeMs });
        await assertFails(call, "unsupported", "mtime");
        assert.equal(await place.published(NAME), null);
      }
      await sink.close();
    },
  },
  {
    title: "gives permission bits where it declares them, refuses to where not",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      const file = await written(sink, "t.part", patterned(10));
      if (sink.capabilities.permissions) {
        await sink.publish(file, { ...REPLACE, mode: 0o640 });
        if (place.mode !== undefined) assert.equal(await place.mode(NAME), 0o640);
      } else {
        const call = () => sink.publish(file, { ...REPLACE, mode: 0o640 });
        await assertFails(call, "unsupported", "mode");
        assert.equal(await place.published(NAME), null);
      }
      await sink.close();
    },
  },
  {
    title: "probes a temporary file that still stands as unpublished",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      const bytes = patterned(300);
      const file = await written(sink, "t.part", bytes);
      await file.sync();
      await file.close();
      assert.equal(await sink.probe("t.part", expectationOf(bytes, file.fileId)), "unpublished");
      await place.put(NAME, patterned(300, 9));
      assert.equal(await sink.probe("t.part", expectationOf(bytes, file.fileId)), "unpublished");
      await sink.close();
    },
  },
  {
    title: "probes a published file by its identity or by its hash",
    async run(place, harness) {
      for (const options of [REPLACE, { ...KEEP, name: "other.bin" }]) {
        const sink = sinkOf(harness, place, NAME);
        const bytes = patterned(300);
        const file = await written(sink, "t.part", bytes);
        await sink.publish(file, options);
        const expected = { ...expectationOf(bytes, file.fileId), name: options.name };
        const { fileId, readBack } = sink.capabilities;
        const seen = await sink.probe("t.part", expected);
        // A sink that cannot read back what is unpublished may still be able to read what is there.
        const isKnown = seen === "published" || (!fileId && !readBack && seen === "unknown");
        assert.ok(isKnown, `the probe says ${seen}`);
        const unhashed = { ...expected, sha256: null };
        assert.equal(await sink.probe("t.part", unhashed), fileId ? "published" : "unknown");
        assert.equal(await sink.probe("t.part", { ...unhashed, fileId: null }), "unknown");
        if (sink.capabilities.readBack) {
          assert.equal(await sink.probe("t.part", { ...expected, fileId: null }), "published");
          assert.equal(await sink.probe("t.part", { ...expected, fileId: "1:2" }), "published");
        }
        await sink.close();
      }
    },
  },
  {
    title: "probes as unknown what is gone while the final name is free or holds other bytes",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      const bytes = patterned(300);
      const expected = expectationOf(bytes, null);
      assert.equal(await sink.probe("t.part", expected), "unknown");
      for (const other of [patterned(300, 2), patterned(299), patterned(301), new Uint8Array(0)]) {
        await place.put(NAME, other);
        assert.equal(await sink.probe("t.part", expected), "unknown");
      }
      await sink.close();
    },
  },
];
