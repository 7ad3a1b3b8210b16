import assert from "node:assert/strict";
import fc from "fast-check";
import {
  blockEnd,
  blockId,
  blockListOf,
  firstBlockBytes,
  isGivenUp,
  listedUpload,
  listedUploads,
  uploadIdOf,
} from "../../../protocols/azure/blocks.ts";
import { sha256 } from "../../../runtime/env/sha256.ts";
import type { Hashing } from "../../../runtime/env/env.ts";

const hash = { sha256 } as unknown as Hashing;
const MIB = 1_048_576;

function upload(temp: string, seed = 1): string {
  return uploadIdOf(hash, temp, new Uint8Array(8).fill(seed));
}

function answer(blocks: readonly (readonly [string, number])[]): string {
  const listed = blocks.map(([id, bytes]) =>
    `<Block><Name>${id}</Name><Size>${bytes}</Size></Block>`
  );
  return "<BlockList><CommittedBlocks><Block><Name>AAAA</Name><Size>1</Size></Block>" +
    `</CommittedBlocks><UncommittedBlocks>${listed.join("")}</UncommittedBlocks></BlockList>`;
}

Deno.test("blocks of one upload are found in order, up to the first gap", () => {
  const id = upload("t.part");
  const found = listedUpload(
    hash,
    "t.part",
    answer([
      [blockId(id, 20), 5],
      [blockId(id, 0), 10],
      [blockId(id, 10), 7],
      [blockId(id, 17), 0],
    ]),
  );
  assert.deepEqual(found, {
    upload: id,
    blocks: [{ start: 0, bytes: 10 }, { start: 10, bytes: 7 }],
    bytes: 17,
  });
});

Deno.test("blocks of another temporary file, of other tools and committed ones are not ours", () => {
  const other = upload("other.part");
  const foreign = [[blockId(other, 0), 10], ["AAAA", 3], ["not base64!", 4]] as const;
  assert.equal(listedUpload(hash, "t.part", answer(foreign)), null);
});

Deno.test("of two uploads of one temporary file the one that got furthest counts, never both", () => {
  const [one, two] = [upload("t.part", 1), upload("t.part", 2)];
  const found = listedUpload(
    hash,
    "t.part",
    answer([
      [blockId(one, 0), 10],
      [blockId(two, 10), 100],
      [blockId(two, 0), 8],
    ]),
  );
  assert.deepEqual([found?.upload, found?.bytes], [one, 10]);
});

Deno.test("an upload that was given up is not found again, and its writer can see it", () => {
  const id = upload("t.part");
  const text = answer([[blockId(id, 0), 10], [blockId(id, null), 1]]);
  assert.equal(listedUpload(hash, "t.part", text), null);
  assert.deepEqual(listedUploads(hash, "t.part", text), []);
  assert.ok(isGivenUp(id, text));
  assert.ok(!isGivenUp(upload("t.part", 2), text));
});

Deno.test("sizes that lie do not make a position that is no number", () => {
  const id = upload("t.part");
  const text = answer([[blockId(id, 0), 9_007_199_254_740_993]]);
  assert.equal(listedUpload(hash, "t.part", text)?.bytes ?? 0, 0);
});

Deno.test("block ids are of one length, in base64 of at most 64 bytes", () => {
  fc.assert(fc.property(fc.string(), fc.nat(), (temp, start) => {
    const id = blockId(upload(temp), start);
    assert.equal(id.length, blockId(upload("t"), null).length);
    assert.ok(Uint8Array.fromBase64(id).length <= 64);
  }));
});

Deno.test("what is sent as a list and listed again is the same file", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(fc.property(sizes, (bytes) => {
    const id = upload("t.part");
    let at = 0;
    const blocks = bytes.map((size) => ({ start: (at += size) - size, bytes: size }));
    const text = answer(
      blocks.map(({ start, bytes }) => [blockId(id, start), bytes]).reverse() as [
        string,
        number,
      ][],
    );
    assert.deepEqual(listedUpload(hash, "t.part", text), { upload: id, blocks, bytes: at });
    const committed = [...blockListOf(id, blocks).matchAll(/<Uncommitted>([^<]+)</g)];
    assert.deepEqual(
      committed.map(([, name]) => name),
      blocks.map(({ start }) => blockId(id, start)),
    );
  }));
});

Deno.test("ends of blocks do not depend on where the file was gone on with", () => {
  const positions = fc.integer({ min: 0, max: 2 ** 43 });
  fc.assert(fc.property(positions, fc.constantFrom(1, 8, 4_000), (position, mib) => {
    const end = blockEnd(position, mib * MIB);
    assert.ok(end > position && end - position <= Math.max(256, mib) * MIB);
    assert.equal(blockEnd(end - 1, mib * MIB), end);
  }));
});

Deno.test("50,000 blocks hold 10 TiB unless told, and 190 TiB of the largest ones", () => {
  const reach = (first: number, blocks: number) => {
    let at = 0;
    for (let block = 0; block < blocks; block++) at = blockEnd(at, first);
    return at / 1024 ** 4;
  };
  assert.ok(reach(8 * MIB, 50_000) >= 10);
  assert.ok(reach(4_000 * MIB, 50_000) >= 190);
});

Deno.test("a file whose size is known has blocks that are large enough", () => {
  assert.equal(firstBlockBytes(8 * MIB, null), 8 * MIB);
  assert.equal(firstBlockBytes(8 * MIB, 1_000), 8 * MIB);
  const size = 20 * 1024 ** 4;
  const first = firstBlockBytes(8 * MIB, size);
  assert.ok(first % MIB === 0 && first * 50_000 >= size);
  assert.equal(firstBlockBytes(8 * MIB, Number.MAX_SAFE_INTEGER), 4_000 * MIB);
});
