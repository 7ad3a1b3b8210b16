/** Cases: copies that the service makes itself, from a file of its own into a temporary one. */

import assert from "node:assert/strict";
import type { Fingerprint, ServerCopy, Sink } from "../../protocols/contract.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import {
  assertBytes,
  assertFails,
  NEVER,
  patterned,
  type SinkCase,
  sinkOf,
  sourceOf,
} from "./case.ts";
import type { Harness, SinkHarness, SourceHarness } from "./harness.ts";

const OPTIONS = { name: "final.bin", replace: true, mtimeMs: null, mode: null };

/** A sink and a file of the same service. */
interface Pair {
  readonly sink: Sink;
  readonly copy: ServerCopy;
  readonly source: SourceHarness;
  seen(): Promise<Fingerprint>;
}

/** Runs `body` where the harness has both ends, and its service copies. */
function pairCase(
  title: string,
  body: (pair: Pair, place: SinkHarness, harness: Harness) => Promise<void>,
): SinkCase {
  return {
    title,
    async run(place, harness) {
      const { source } = harness;
      const sink = sinkOf(harness, place, "final.bin");
      if (source === undefined || sink.capabilities.serverCopy !== true) return await sink.close();
      assert.ok(sink.serverCopy, "who declares it has it");
      const copy = sink.serverCopy(endpointOf(source, "from.bin"));
      assert.ok(!("whyNot" in copy), `the same service: ${"whyNot" in copy ? copy.whyNot : ""}`);
      const seen = async () => {
        const from = sourceOf(harness, source, "from.bin");
        try {
          return (await from.stat(NEVER)).fingerprint;
        } finally {
          await from.close();
        }
      };
      await body({ sink, copy, source, seen }, place, harness);
      await sink.close();
    },
  };
}

function endpointOf(source: SourceHarness, name: string) {
  return { ...plainEndpoint(source.uri(name)), ...source.endpoint };
}

function orderOf(expected: Fingerprint, from = 0, copied: (bytes: number) => void = () => {}) {
  return { expected, size: expected.size!, from, signal: NEVER, copied };
}

export const serverCopyCases: readonly SinkCase[] = [
  pairCase("fills a temporary file by a copy of its own, which is published as ever", async (
    { sink, copy, source, seen },
    place,
  ) => {
    const bytes = patterned(3_000_000, 3);
    await source.put("from.bin", bytes);
    const file = await sink.create("t.part", NEVER, bytes.length);
    const told: number[] = [];
    await copy.copy(file, orderOf(await seen(), 0, (at) => void told.push(at)));
    assert.equal(told.at(-1), bytes.length, "all of it is told");
    assert.deepEqual(told, [...told].sort((a, b) => a - b), "progress never goes back");
    assert.equal(await file.size(), bytes.length);
    assert.equal(await place.published("final.bin"), null, "nothing is there before publishing");
    const facts = await sink.publish(file, OPTIONS);
    assert.equal(facts.size, bytes.length);
    assertBytes(await place.published("final.bin"), bytes, "the published file");
    assert.equal(await place.published("t.part"), null, "the temporary name is gone");
  }),
  pairCase("replaces what stands only by publishing a copy", async (
    { sink, copy, source, seen },
    place,
  ) => {
    const bytes = patterned(20_000, 4);
    await source.put("from.bin", bytes);
    await place.put("final.bin", patterned(10, 9));
    const file = await sink.create("t.part", NEVER, bytes.length);
    await copy.copy(file, orderOf(await seen()));
    assertBytes(await place.published("final.bin"), patterned(10, 9), "what stood there");
    await sink.publish(file, OPTIONS);
    assertBytes(await place.published("final.bin"), bytes, "the published file");
  }),
  pairCase("copies no other version than the one that was seen", async (
    { sink, copy, source, seen },
    place,
  ) => {
    await source.put("from.bin", patterned(20_000, 5));
    const before = await seen();
    await source.put("from.bin", patterned(21_000, 6));
    const file = await sink.create("t.part", NEVER, 20_000);
    await assertFails(() => copy.copy(file, orderOf(before)), "changed", "another version");
    await file.close();
    await sink.abort("t.part");
    assert.equal(await place.published("final.bin"), null);
  }),
  pairCase("says that a source is gone", async ({ sink, copy, source, seen }, _, harness) => {
    await source.put("from.bin", patterned(20_000, 5));
    const before = await seen();
    const directory = harness.directory === undefined ? null : harness.protocol.directory!(
      { ...plainEndpoint(harness.directory.uri("")), ...harness.directory.endpoint },
      harness.context,
    );
    if (directory === null || !directory.capabilities.remove) return await directory?.close();
    await directory.remove("from.bin", null, NEVER);
    await directory.close();
    const file = await sink.create("t.part", NEVER, 20_000);
    await assertFails(() => copy.copy(file, orderOf(before)), ["notFound", "changed"], "gone");
    await file.close();
    await sink.abort("t.part");
  }),
  pairCase("goes on with a copy where it declares that", async (
    { sink, copy, source, seen },
    place,
    harness,
  ) => {
    if (!copy.resumes) return;
    const bytes = patterned(3_000_000, 7);
    await source.put("from.bin", bytes);
    const expected = await seen();
    const file = await sink.create("t.part", NEVER, bytes.length);
    await copy.copy(file, orderOf(expected));
    await file.sync();
    await file.close();
    await sink.close();
    const later = sinkOf(harness, place, "final.bin");
    const again = await later.reopen("t.part", NEVER);
    assert.ok(again !== null);
    assert.equal(await again.size(), bytes.length);
    await again.truncate(1_000_000);
    const from = await again.size();
    assert.ok(from <= 1_000_000, "cut at least there");
    const on = later.serverCopy!(endpointOf(source, "from.bin"));
    assert.ok(!("whyNot" in on));
    await on.copy(again, orderOf(expected, from));
    await later.publish(again, OPTIONS);
    assertBytes(await place.published("final.bin"), bytes, "the published file");
    await later.close();
  }),
  pairCase("copies nothing for who has given up", async ({ sink, copy, source, seen }, place) => {
    await source.put("from.bin", patterned(20_000, 8));
    const file = await sink.create("t.part", NEVER, 20_000);
    const order = { ...orderOf(await seen()), signal: AbortSignal.abort(new Error("enough")) };
    await assertFails(() => copy.copy(file, order), "aborted", "given up");
    await file.close();
    await sink.abort("t.part");
    assert.equal(await place.published("final.bin"), null);
  }),
  pairCase("publishes no copy whose temporary file was seized", async (
    { sink, copy, source, seen },
    place,
    harness,
  ) => {
    if (sink.capabilities.fence !== "seize") return;
    await source.put("from.bin", patterned(20_000, 8));
    const file = await sink.create("t.part", NEVER, 20_000);
    await copy.copy(file, orderOf(await seen()));
    const other = sinkOf(harness, place, "final.bin");
    assert.ok(await other.seize("t.part", "t.part.seized"));
    await assertFails(() => sink.publish(file, OPTIONS), "notFound", "a stale publish");
    assert.equal(await place.published("final.bin"), null);
    await other.abort("t.part.seized");
    await other.close();
  }),
  pairCase("is not the same service for who is somebody else", ({ sink, source }) => {
    const endpoint = endpointOf(source, "from.bin");
    if (endpoint.auth === null) return Promise.resolve();
    const auth = Object.fromEntries(
      Object.entries(endpoint.auth).map(([key, value]) => [
        key,
        key === "type" || typeof value !== "string" ? value : `${value}x`,
      ]),
    );
    const way = sink.serverCopy!({ ...endpoint, auth: auth as unknown as typeof endpoint.auth });
    assert.ok("whyNot" in way && way.whyNot.length > 0);
    return Promise.resolve();
  }),
];
