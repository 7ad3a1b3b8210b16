/** Cases: sources that do not keep their word. */

import assert from "node:assert/strict";
import type { Source } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { fingerprintChange } from "../../protocols/fingerprint.ts";
import { assertFails, NEVER, patterned, readToEnd, type SourceCase, sourceOf } from "./case.ts";
import type { AfterOpening } from "./harness.ts";

/** Above what sources confirm without looking again. */
const SIZE = 3_000_001;

/**
 * Reads a file to its end while `meanwhile` happens after the first read. How that came to light: the
 * code of an error, `confirm` if the last fingerprint differs, `null` if nobody noticed.
 */
async function discovery(source: Source, meanwhile: AfterOpening): Promise<string | null> {
  const reader = await source.open({ start: 0, end: null }, null, NEVER);
  try {
    await reader.read(new Uint8Array(1_000));
    await meanwhile();
    await readToEnd(reader, 65_536);
    const last = await reader.confirm();
    return fingerprintChange(reader.facts.fingerprint, last) === null ? null : "confirm";
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return thrown.code;
    throw thrown;
  } finally {
    await reader.close();
  }
}

function assertNoticed(how: string | null, accepted: readonly string[]): void {
  assert.ok(how !== null && accepted.includes(how), `it came to light by: ${how}`);
}

export const changeCases: readonly SourceCase[] = [
  {
    title: "a file that ends before its announced size is truncated, never complete",
    async run(place, harness) {
      if (place.truncate === undefined) return;
      await place.put("a.bin", patterned(SIZE));
      const cut = await place.truncate("a.bin", 2_000_000);
      const source = sourceOf(harness, place, "a.bin");
      assertNoticed(await discovery(source, cut), ["truncated"]);
      await source.close();
    },
  },
  {
    title: "one byte more than announced does not pass",
    async run(place, harness) {
      if (place.oneByteMore === undefined) return;
      await place.put("a.bin", patterned(SIZE));
      const grow = await place.oneByteMore("a.bin");
      const source = sourceOf(harness, place, "a.bin");
      assertNoticed(await discovery(source, grow), [
        "tooLong",
        "badResponse",
        "changed",
        "confirm",
      ]);
      await source.close();
    },
  },
  {
    title: "a new version of the same size in the middle of reading comes to light",
    async run(place, harness) {
      await place.put("a.bin", patterned(SIZE, 1));
      const source = sourceOf(harness, place, "a.bin");
      const how = await discovery(source, () => place.put("a.bin", patterned(SIZE, 2)));
      assertNoticed(how, ["changed", "confirm"]);
      await source.close();
    },
  },
  {
    title: "a shorter and a longer version in the middle of reading come to light",
    async run(place, harness) {
      for (const size of [SIZE - 1_000_000, SIZE + 1]) {
        await place.put("a.bin", patterned(SIZE, 1));
        const source = sourceOf(harness, place, "a.bin");
        const how = await discovery(source, () => place.put("a.bin", patterned(size, 2)));
        assertNoticed(how, ["changed", "confirm", "truncated", "tooLong"]);
        await source.close();
      }
    },
  },
  {
    title: "an unchanged source confirms what it said when it was opened",
    async run(place, harness) {
      await place.put("a.bin", patterned(SIZE));
      const source = sourceOf(harness, place, "a.bin");
      assert.equal(await discovery(source, () => Promise.resolve()), null);
      await source.close();
    },
  },
  {
    title: "opening another version than the expected one fails with changed",
    async run(place, harness) {
      await place.put("a.bin", patterned(1_000, 1));
      const source = sourceOf(harness, place, "a.bin");
      const { fingerprint } = await source.stat(NEVER);
      const starts = source.capabilities.ranges ? [0, 500] : [0];
      for (const size of [1_000, 1_001, 999, 400]) {
        await place.put("a.bin", patterned(size, size));
        for (const start of starts) {
          const open = () => source.open({ start, end: null }, fingerprint, NEVER);
          const error = await assertFails(open, "changed", `${size} bytes, from ${start}`);
          assert.ok(error.retryable, "starting over may succeed");
        }
      }
      await source.close();
    },
  },
  {
    title: "opening an expected version of which only a part is known succeeds",
    async run(place, harness) {
      await place.put("a.bin", patterned(1_000));
      const source = sourceOf(harness, place, "a.bin");
      const { size } = (await source.stat(NEVER)).fingerprint;
      const known = { size, mtimeMs: null, etag: null, version: null };
      const reader = await source.open({ start: 0, end: null }, known, NEVER);
      assert.equal((await readToEnd(reader)).length, 1_000);
      await reader.close();
      await source.close();
    },
  },
];
