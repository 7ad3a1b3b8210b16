/** What hashing does; the real and the simulated side both run it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { Env } from "../../../runtime/env/env.ts";
import { HashError } from "../../../runtime/env/hash_error.ts";
import { type Side, suiteTest } from "./subject.ts";

const text = (value: string) => new TextEncoder().encode(value);

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

interface Piece {
  readonly chunk: number | null;
  readonly file: boolean;
  readonly bytes: Uint8Array;
}

const pieces = fc.array(
  fc.record({
    chunk: fc.option(fc.nat({ max: 3 })),
    file: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 12 },
);

/** Feeds pieces as they come, overlapping, and compares every digest with the plain hashes. */
async function checkLane(env: Env, fed: readonly Piece[]): Promise<void> {
  const lane = env.hash.lane();
  const feeding = fed.map((piece) => {
    const [buffer] = env.hash.buffers(1, 64);
    buffer!.set(piece.bytes, 7);
    const segment = buffer!.subarray(7, 7 + piece.bytes.length);
    return lane.feed(segment, { chunk: piece.chunk, file: piece.file });
  });
  const chunks = [...new Set(fed.map((piece) => piece.chunk))].filter((chunk) => chunk !== null);
  const digests = await Promise.all(chunks.map((chunk) => lane.endChunk(chunk)));
  const whole = await lane.endFile();
  await Promise.all(feeding);
  const bytesOf = (keep: (piece: Piece) => boolean) => fed.filter(keep).map((piece) => piece.bytes);
  assert.equal(whole, sha256(...bytesOf((piece) => piece.file)));
  chunks.forEach((chunk, index) =>
    assert.equal(digests[index], sha256(...bytesOf((piece) => piece.chunk === chunk)))
  );
}

/** Registers the suite for one side. */
export function hashSuite(side: Side): void {
  suiteTest(side, "SHA-256 and CRC-32 give the published values", ({ env }) => {
    const hasher = env.hash.sha256();
    hasher.update(text("ab"));
    const branch = hasher.copy();
    hasher.update(text("c"));
    branch.update(text("d"));
    assert.equal(hasher.digestHex(), sha256(text("abc")));
    assert.match(sha256(text("abc")), /^ba7816bf/); // FIPS 180-4, appendix B.1
    assert.equal(branch.digestHex(), sha256(text("abd")));
    assert.equal(env.hash.crc32(text("123456789")), 0xcbf43926);
    assert.equal(env.hash.crc32(text("6789"), env.hash.crc32(text("12345"))), 0xcbf43926);
    return Promise.resolve();
  });

  suiteTest(side, "a lane equals plain hashes for any order of segments", async ({ env }) => {
    await fc.assert(fc.asyncProperty(pieces, (fed) => checkLane(env, fed)), { numRuns: 60 });
  });

  suiteTest(side, "a buffer may be written again once its feed resolved", async ({ env }) => {
    const lane = env.hash.lane();
    const [buffer] = env.hash.buffers(1, 4_096) as [Uint8Array];
    const expected = createHash("sha256");
    for (let round = 0; round < 50; round += 1) {
      buffer.fill(round);
      expected.update(buffer);
      await lane.feed(buffer, { chunk: round >> 3, file: true });
    }
    assert.equal(await lane.endFile(), expected.digest("hex"));
  });

  suiteTest(side, "many lanes at once do not mix", async ({ env }) => {
    const work = Array.from({ length: 100 }, async (_, number) => {
      const lane = env.hash.lane();
      const [buffer] = env.hash.buffers(1, 1_000) as [Uint8Array];
      buffer.fill(number);
      for (let round = 0; round < 5; round += 1) await lane.feed(buffer, { chunk: 0, file: true });
      const chunk = await lane.endChunk(0);
      assert.equal(chunk, sha256(buffer, buffer, buffer, buffer, buffer));
      assert.equal(await lane.endFile(), chunk);
    });
    await Promise.all(work);
  });

  suiteTest(side, "buffers of other memory are hashed too", async ({ env }) => {
    const lane = env.hash.lane();
    await lane.feed(text("abc"), { chunk: 0, file: true });
    assert.equal(await lane.endFile(), sha256(text("abc")));
  });

  suiteTest(side, "an aborted lane refuses further calls", async ({ env }) => {
    const lane = env.hash.lane();
    const [buffer] = env.hash.buffers(1, 8) as [Uint8Array];
    await lane.feed(buffer, { chunk: 0, file: true });
    lane.abort();
    lane.abort();
    const isAborted = (error: unknown) => error instanceof HashError && error.code === "aborted";
    await assert.rejects(lane.feed(buffer, { chunk: 0, file: true }), isAborted);
    await assert.rejects(lane.endChunk(0), isAborted);
    await assert.rejects((async () => await lane.endFile())(), isAborted);
  });
}
