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

const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });

/** Feeds pieces, overlapping, and compares the mark after each and the end with the plain hash. */
async function checkLane(env: Env, fed: readonly Uint8Array[]): Promise<void> {
  const lane = env.hash.lane();
  const feeding: Promise<void>[] = [];
  const marks: Promise<string>[] = [];
  for (const piece of fed) {
    const block = { bytes: new Uint8Array(64) };
    block.bytes.set(piece);
    feeding.push(lane.feed(block, piece.length));
    marks.push(lane.mark());
  }
  const whole = await lane.end();
  await Promise.all(feeding);
  assert.equal(whole, sha256(...fed));
  const expected = fed.map((_, index) => sha256(...fed.slice(0, index + 1)));
  assert.deepEqual(await Promise.all(marks), expected);
}

/** Values that others have published. */
function publishedValues(side: Side): void {
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

  suiteTest(side, "HMAC-SHA256 gives the published values", ({ env }) => {
    // RFC 4231, test cases 2 and 6 (a key longer than a block).
    const hex = (key: Uint8Array, bytes: Uint8Array) => env.hash.hmacSha256(key, bytes).toHex();
    assert.equal(
      hex(text("Jefe"), text("what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    assert.equal(
      hex(
        new Uint8Array(131).fill(0xaa),
        text("Test Using Larger Than Block-Size Key - Hash Key First"),
      ),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
    return Promise.resolve();
  });
}

/** Registers the suite for one side. */
export function hashSuite(side: Side): void {
  publishedValues(side);

  suiteTest(side, "a lane equals the plain hash at every mark and at its end", async ({ env }) => {
    await fc.assert(fc.asyncProperty(pieces, (fed) => checkLane(env, fed)), { numRuns: 60 });
  });

  suiteTest(side, "a buffer may be written again once its feed resolved", async ({ env }) => {
    const lane = env.hash.lane();
    const block = { bytes: new Uint8Array(4_096) };
    const expected = createHash("sha256");
    for (let round = 0; round < 50; round += 1) {
      block.bytes.fill(round);
      expected.update(block.bytes);
      await lane.feed(block, 4_096);
      assert.equal(block.bytes.length, 4_096);
    }
    assert.equal(await lane.end(), expected.digest("hex"));
  });

  suiteTest(side, "many lanes at once do not mix", async ({ env }) => {
    const work = Array.from({ length: 100 }, async (_, number) => {
      const lane = env.hash.lane();
      const block = { bytes: new Uint8Array(1_000).fill(number) };
      const buffer = new Uint8Array(1_000).fill(number);
      for (let round = 0; round < 5; round += 1) {
        block.bytes.fill(number);
        await lane.feed(block, 1_000);
      }
      const chunk = await lane.mark();
      assert.equal(chunk, sha256(buffer, buffer, buffer, buffer, buffer));
      assert.equal(await lane.end(), chunk);
    });
    await Promise.all(work);
  });

  suiteTest(side, "memory that cannot be moved is hashed too", async ({ env }) => {
    const lane = env.hash.lane();
    const shared = new Uint8Array(new SharedArrayBuffer(10));
    shared.set(text("abc"));
    await lane.feed({ bytes: shared }, 1);
    await lane.feed({ bytes: shared.subarray(1, 5) }, 2);
    assert.equal(await lane.end(), sha256(text("abc")));
  });

  suiteTest(side, "an aborted lane refuses further calls", async ({ env }) => {
    const lane = env.hash.lane();
    const block = { bytes: new Uint8Array(8) };
    await lane.feed(block, 8);
    lane.abort();
    lane.abort();
    const isAborted = (error: unknown) => error instanceof HashError && error.code === "aborted";
    await assert.rejects(lane.feed(block, 8), isAborted);
    await assert.rejects(lane.mark(), isAborted);
    await assert.rejects((async () => await lane.end())(), isAborted);
  });
}
