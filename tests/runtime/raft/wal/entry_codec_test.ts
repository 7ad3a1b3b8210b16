import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import {
  decodeEntries,
  encodedEntriesBytes,
  encodeEntries,
  EntryCodecError,
} from "../../../../runtime/raft/wal/entry_codec.ts";

const anyEntries: fc.Arbitrary<Entry[]> = fc.tuple(
  fc.integer({ min: 1, max: 2 ** 52 }),
  fc.array(
    fc.record({
      term: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      stampMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      kind: fc.constantFrom("command" as const, "noop" as const, "config" as const),
      data: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 8 },
  ),
).map(([first, parts]) => parts.map((part, position) => ({ index: first + position, ...part })));

Deno.test("decoding gives back what was encoded, as views and wherever the block lies", () => {
  fc.assert(fc.property(anyEntries, fc.nat(9), (entries, lead) => {
    const block = encodeEntries(entries);
    assert.equal(block.length, encodedEntriesBytes(entries));
    const around = new Uint8Array(lead + block.length + 5).fill(0xff);
    around.set(block, lead);
    const decoded = decodeEntries(around.subarray(lead, lead + block.length));
    assert.deepStrictEqual(
      decoded.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
      entries.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
    );
    assert.ok(decoded.every(({ data }) => data.buffer === around.buffer));
  }));
});

Deno.test("a block that was cut anywhere but between entries is refused", () => {
  fc.assert(fc.property(anyEntries, (entries) => {
    const block = encodeEntries(entries);
    const ends = new Set(entries.map((_, count) => encodedEntriesBytes(entries.slice(0, count))));
    for (let length = 0; length < block.length; length += 1) {
      const cut = block.subarray(0, length);
      if (ends.has(length)) decodeEntries(cut);
      else assert.throws(() => decodeEntries(cut), EntryCodecError);
    }
  }));
});

Deno.test("any bytes are either entries or refused by a typed error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      decodeEntries(bytes);
    } catch (thrown) {
      assert.ok(thrown instanceof EntryCodecError);
      assert.equal(thrown.code, "BadEntries");
    }
  }));
});

Deno.test("entries with gaps, unknown kinds and broken numbers are refused", () => {
  const one: Entry = {
    index: 4,
    term: 1,
    stampMs: 5,
    kind: "command",
    data: new Uint8Array([1]),
  };
  const refused = (entries: Entry[], change?: (bytes: Uint8Array) => void) => {
    const bytes = encodeEntries(entries);
    change?.(bytes);
    assert.throws(() => decodeEntries(bytes), EntryCodecError);
  };
  refused([one, { ...one, index: 6 }]);
  refused([one, one]);
  refused([{ ...one, index: 0 }]);
  refused([{ ...one, term: -1 }]);
  refused([{ ...one, term: 1.5 }]);
  refused([{ ...one, stampMs: NaN }]);
  refused([one], (bytes) => bytes[28] = 3);
});
