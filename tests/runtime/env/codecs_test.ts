import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import * as zlib from "node:zlib";
import { CodecError, type Codecs, type Compression } from "../../../runtime/env/codecs.ts";
import { inlineCodecs } from "../../../runtime/env/inline_codecs.ts";
import { realCodecs } from "../../../runtime/env/real/codecs.ts";

const FORMATS: readonly Compression[] = ["gzip", "zstd"];
const compressors = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync };

/** Compressible, and longer than what is pulled at a time. */
const PLAIN = new Uint8Array(300_000).map((_, index) => (index * index) >> 9);

/** All that an inflater gives for `bytes`, which come in pieces. */
async function inflated(
  codecs: Codecs,
  format: Compression,
  bytes: Uint8Array,
  pieceBytes = 1_000,
): Promise<Uint8Array> {
  let at = 0;
  const inflater = codecs.inflater(format, (into) => {
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, into.length));
    into.set(piece);
    at += piece.length;
    return Promise.resolve(piece.length);
  });
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(4_096);
  try {
    for (;;) {
      const count = await inflater.read(buffer);
      if (count === 0) return new Uint8Array(Buffer.concat(parts));
      parts.push(buffer.slice(0, count));
    }
  } finally {
    await inflater.close();
  }
}

async function code(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => null, (thrown) => thrown);
  assert.ok(error instanceof CodecError, `a CodecError, not ${error}`);
  return error.code;
}

for (const [side, codecs] of [["real", realCodecs], ["simulated", inlineCodecs]] as const) {
  for (const format of FORMATS) {
    const compressed = new Uint8Array(compressors[format](PLAIN));

    Deno.test(`${side} ${format}: what was compressed comes back`, async () => {
      const member = await codecs.compress(format, PLAIN);
      assert.ok(member.length < PLAIN.length);
      assert.deepEqual(await codecs.decompress(format, member, PLAIN.length), PLAIN);
      assert.deepEqual(await inflated(codecs, format, member), PLAIN);
    });

    Deno.test(`${side} ${format}: more than was allowed is refused`, async () => {
      assert.equal(await code(codecs.decompress(format, compressed, 1_000)), "tooLarge");
    });

    Deno.test(`${side} ${format}: a stream of several members is inflated to its end`, async () => {
      const twice = new Uint8Array(Buffer.concat([compressed, compressed]));
      const both = new Uint8Array(Buffer.concat([PLAIN, PLAIN]));
      for (const pieceBytes of [997, 65_536]) {
        assert.deepEqual(await inflated(codecs, format, twice, pieceBytes), both);
      }
    });

    Deno.test(`${side} ${format}: a byte at a time`, async () => {
      const few = PLAIN.subarray(0, 500);
      const twice = new Uint8Array(
        Buffer.concat([compressors[format](few), compressors[format](few)]),
      );
      const both = new Uint8Array(Buffer.concat([few, few]));
      assert.deepEqual(await inflated(codecs, format, twice, 1), both);
    });

    Deno.test(`${side} ${format}: a stream that was cut is found out`, async () => {
      for (const bytes of [0, 3, 20, compressed.length >> 1, compressed.length - 1]) {
        const cut = inflated(codecs, format, compressed.subarray(0, bytes));
        assert.equal(await code(cut), "truncated", `cut after ${bytes}`);
      }
    });

    Deno.test(`${side} ${format}: other bytes are damage`, async () => {
      const other = new Uint8Array(100).fill(7);
      assert.equal(await code(inflated(codecs, format, other)), "damaged");
      const behind = new Uint8Array(Buffer.concat([compressed, other]));
      assert.equal(await code(inflated(codecs, format, behind)), "damaged");
    });

    Deno.test(`${side} ${format}: an error of who is pulled from comes out as it is`, async () => {
      const inflater = codecs.inflater(format, () => Promise.reject(new RangeError("no more")));
      await assert.rejects(inflater.read(new Uint8Array(10)), /no more/);
      await inflater.close();
    });
  }

  Deno.test(`${side} zstd: frames to skip are skipped, checksums are looked at`, async () => {
    const skippable = Uint8Array.of(0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
    const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 };
    const summed = zlib.zstdCompressSync(PLAIN, { params });
    const stream = new Uint8Array(Buffer.concat([skippable, summed, skippable]));
    assert.deepEqual(await inflated(codecs, "zstd", stream), PLAIN);
    const at = skippable.length + summed.length - 1;
    stream[at]! ^= 1;
    assert.equal(await code(inflated(codecs, "zstd", stream)), "damaged");
  });

  Deno.test(`${side} AEAD: nothing that differs is opened`, async () => {
    const [key, nonce] = [new Uint8Array(32).fill(1), new Uint8Array(12).fill(2)];
    const [about, plain] = [Uint8Array.of(3), PLAIN.subarray(0, 1_000)];
    const aead = codecs.aead(key);
    const sealed = await aead.seal(nonce, about, plain);
    assert.equal(sealed.length, plain.length + 16);
    assert.deepEqual(await aead.open(nonce, about, sealed), plain);
    const damaged = sealed.slice();
    damaged[500]! ^= 1;
    assert.equal(await aead.open(nonce, about, damaged), null);
    assert.equal(await aead.open(nonce, Uint8Array.of(4), sealed), null);
    assert.equal(await aead.open(nonce, about, sealed.subarray(0, 15)), null);
    assert.equal(await codecs.aead(new Uint8Array(32)).open(nonce, about, sealed), null);
  });
}

Deno.test("the real and the simulated side read what the other one wrote", async () => {
  const [key, nonce] = [new Uint8Array(32).fill(5), new Uint8Array(12).fill(6)];
  const sealed = await realCodecs.aead(key).seal(nonce, key, PLAIN);
  assert.deepEqual(sealed, await inlineCodecs.aead(key).seal(nonce, key, PLAIN));
});
