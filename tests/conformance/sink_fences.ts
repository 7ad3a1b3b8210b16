/** Cases: what keeps a stale writer from publishing. */

import assert from "node:assert/strict";
import type { Sink, SinkFile } from "../../protocols/contract.ts";
import {
  assertBytes,
  assertFails,
  failure,
  NEVER,
  patterned,
  type SinkCase,
  sinkOf,
} from "./case.ts";

const NAME = "final.bin";
const REPLACE = { name: NAME, replace: true, mtimeMs: null, mode: null };

async function written(sink: Sink, temp: string, bytes: Uint8Array): Promise<SinkFile> {
  const file = await sink.create(temp, NEVER);
  await file.write(bytes, 0);
  return file;
}

export const fenceCases: readonly SinkCase[] = [
  {
    title: "a seized temporary file cannot be published, whatever its writer does",
    async run(place, harness) {
      const [stale, fresh] = [sinkOf(harness, place, NAME), sinkOf(harness, place, NAME)];
      if (stale.capabilities.fence !== "seize") return;
      for (const replace of [true, false]) {
        const file = await written(stale, "old.part", patterned(100, 1));
        assert.equal(await fresh.seize("old.part", "old.seized"), true);
        await file.write(patterned(50, 1), 100);
        const error = await assertFails(
          () => stale.publish(file, { ...REPLACE, replace }),
          "notFound",
          "publish",
        );
        assert.ok(error.definite && !error.retryable);
        assert.equal(await place.published(NAME), null);
        assert.equal(await fresh.seize("old.part", "old.seized"), false, "nothing left to seize");
        await fresh.abort("old.seized");
      }
      await stale.close();
      await fresh.close();
    },
  },
  {
    title: "seizing after publishing finds nothing, and the probe says published",
    async run(place, harness) {
      const [stale, fresh] = [sinkOf(harness, place, NAME), sinkOf(harness, place, NAME)];
      if (stale.capabilities.fence !== "seize") return;
      const file = await written(stale, "old.part", patterned(100, 1));
      await stale.publish(file, REPLACE);
      assert.equal(await fresh.seize("old.part", "old.seized"), false);
      assertBytes(await place.published(NAME), patterned(100, 1), "the published file");
      await stale.close();
      await fresh.close();
    },
  },
  {
    title: "seizing is unsupported where another fence is declared",
    async run(place, harness) {
      const sink = sinkOf(harness, place, NAME);
      if (sink.capabilities.fence === "seize") return;
      const file = await written(sink, "old.part", patterned(100, 1));
      await assertFails(() => sink.seize("old.part", "old.seized"), "unsupported", "seize");
      await file.close();
      await sink.close();
    },
  },
  {
    title: "of two writers that began, the one that was overtaken cannot publish",
    async run(place, harness) {
      const [stale, fresh] = [sinkOf(harness, place, NAME), sinkOf(harness, place, NAME)];
      const { fence } = stale.capabilities;
      if (fence !== "token" && fence !== "conditional") return;
      const old = await written(stale, "old.part", patterned(100, 1));
      const file = await written(fresh, "new.part", patterned(200, 2));
      await fresh.publish(file, REPLACE);
      const error = await failure(() => stale.publish(old, REPLACE), "the stale publish");
      assert.ok(error.definite);
      assertBytes(await place.published(NAME), patterned(200, 2), "the newer file");
      await stale.close();
      await fresh.close();
    },
  },
  {
    title: "without a fence the same bytes may be published again",
    async run(place, harness) {
      const sinks = [sinkOf(harness, place, NAME), sinkOf(harness, place, NAME)];
      if (sinks[0]?.capabilities.fence !== "none") return;
      for (const [index, sink] of sinks.entries()) {
        const file = await written(sink, `t${index}.part`, patterned(100));
        await sink.publish(file, REPLACE);
        assertBytes(await place.published(NAME), patterned(100), "the published file");
        await sink.close();
      }
    },
  },
];
