/** Checksums: what goes along with bytes, what is compared, and what is believed of a source. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { combinedCrc, CRC_POLYNOMIAL } from "../../../protocols/objects/crc_combine.ts";
import { crc32c } from "../../../protocols/objects/crc32c.ts";
import type { ChecksumKind } from "../../../protocols/s3/checksums.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertBytes, assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { OPTIONS, type PaperHarness, paperHarness } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_server.ts";

const PART = 5_242_880;
const LONG = patterned(2 * PART + 1_000, 7);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };

async function withStore(
  checksum: ChecksumKind,
  body: (harness: PaperHarness) => Promise<void>,
  quirks: PaperQuirks = {},
): Promise<void> {
  const options = { ...OPTIONS, conditional: "yes", partSize: PART, checksum };
  const harness = paperHarness(quirks, { options });
  await harness.run!(() => body(harness));
  await harness.close();
}

async function put({ sinkAt }: PaperHarness, bytes: Uint8Array): Promise<void> {
  const sink = sinkAt("f");
  const file = await sink.create("t", NEVER);
  await file.write(bytes, 0);
  await sink.publish(file, REPLACE);
}

function hexOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

Deno.test("the CRC of two pieces is that of both together, whatever their lengths", () => {
  const { crc32 } = realEnv().hash;
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 300 }), (a, b) => {
    const both = new Uint8Array([...a, ...b]);
    assert.equal(combinedCrc(CRC_POLYNOMIAL.crc32, crc32(a), crc32(b), b.length), crc32(both));
    assert.equal(combinedCrc(CRC_POLYNOMIAL.crc32c, crc32c(a), crc32c(b), b.length), crc32c(both));
  }));
});

for (const kind of ["sha256", "crc32c", "crc32"] as const) {
  Deno.test(`${kind} goes with a short file and with each part of a long one, and the server has it`, () =>
    withStore(kind, async (harness) => {
      const { server } = harness;
      await put(harness, patterned(4_096));
      const header = `x-amz-checksum-${kind}`;
      assert.ok(server.seen.at(-1)!.headers[header] !== undefined);
      assert.ok(server.objects.get("data/f")!.headers[header] !== undefined);
      await put(harness, LONG);
      const parts = server.seen.filter(({ url }) => url.includes("partNumber"));
      assert.ok(parts.length === 3 && parts.every(({ headers }) => headers[header] !== undefined));
      assertBytes(server.objects.get("data/f")!.bytes, LONG, "the object");
      const type = server.objects.get("data/f")!.headers["x-amz-checksum-type"];
      assert.equal(type, kind === "sha256" ? "COMPOSITE" : "FULL_OBJECT");
      const completion = server.seen.find(({ method, url }) =>
        method === "POST" && url.includes("uploadId")
      )!;
      assert.equal(completion.headers[header] !== undefined, kind !== "sha256");
      assertBytes(await fetched(harness.sourceAt("f")), LONG, "what is read");
    }));
}

for (const kind of ["crc32c", "crc32"] as const) {
  Deno.test(`${kind} of a server that knows no FULL_OBJECT is compared as the parts' own`, () =>
    withStore(kind, async (harness) => {
      await put(harness, LONG);
      const { headers } = harness.server.objects.get("data/f")!;
      assert.match(headers[`x-amz-checksum-${kind}`]!, /-3$/);
      assertBytes(await fetched(harness.sourceAt("f")), LONG, "what is read");
    }, { compositeOnly: true }));
}

Deno.test("a server that made an object of other bytes is found out by its checksum", () =>
  withStore("sha256", async (harness) => {
    const error = await assertFails(() => put(harness, LONG), "io", "publish");
    assert.ok(!error.retryable && error.message.endsWith("damaged: remove it"));
  }, {
    alter: (reply, { method }, { searchParams }) =>
      method !== "POST" || !searchParams.has("uploadId") ? reply : {
        ...reply,
        body: new TextEncoder().encode(
          new TextDecoder().decode(reply.body).replace(
            /<ChecksumSHA256>.{43}/,
            `<ChecksumSHA256>${"A".repeat(43)}`,
          ),
        ),
      },
  }));

Deno.test("bytes that changed on their way are refused by the server and sent again", () => {
  let left = 1;
  return withStore("crc32c", async (harness) => {
    await put(harness, patterned(4_096));
    assert.equal(harness.server.requests.filter((line) => line === "PUT data/f").length, 2);
  }, {
    forge: ({ method }) => {
      if (method !== "PUT" || left === 0) return null;
      left -= 1;
      const body = "<Error><Code>BadDigest</Code></Error>";
      return { status: 400, body: new TextEncoder().encode(body) };
    },
  });
});

Deno.test("whether a server compares checksums is tried once, and an object of ours is left nowhere", async () => {
  for (const quirks of [{}, { noChecksums: true }]) {
    const harness = paperHarness(quirks, { options: { ...OPTIONS, checksum: "crc32c" } });
    const isTrial = ({ url }: { readonly url: string }) => url.includes("quorus-probe");
    await harness.run!(async () => {
      await put(harness, patterned(10));
      const tried = harness.server.seen.filter(isTrial).length;
      await put(harness, patterned(11));
      assert.equal(harness.server.seen.filter(isTrial).length, tried);
    });
    assert.deepEqual([...harness.server.objects.keys()], ["data/f"]);
    await harness.close();
  }
});

Deno.test("the SHA-256 of a whole object is its source's, that of parts or of a range is nobody's", () =>
  withStore("sha256", async (harness) => {
    const source = harness.sourceAt("f");
    await put(harness, patterned(100));
    assert.equal((await source.stat(NEVER)).sha256, hexOf(patterned(100)));
    const part = await source.open({ start: 0, end: 10 }, null, NEVER);
    assert.equal(part.facts.sha256, null);
    await part.close();
    await put(harness, LONG);
    assert.equal((await source.stat(NEVER)).sha256, null);
    const whole = await source.open({ start: 0, end: null }, null, NEVER);
    assert.equal(whole.facts.sha256, null);
    await whole.close();
  }));

Deno.test("a range whose answer holds a checksum of its own is not taken for the whole's", () =>
  withStore("sha256", async (harness) => {
    await put(harness, patterned(100));
    const part = await harness.sourceAt("f").open({ start: 0, end: 10 }, null, NEVER);
    assert.equal(part.facts.sha256, null);
    await part.close();
  }, {
    alter: (reply) =>
      reply.status !== 206 ? reply : {
        ...reply,
        headers: { ...reply.headers, "x-amz-checksum-sha256": btoa("x".repeat(32)) },
      },
  }));

for (const kind of ["crc32c", "crc32"] as const) {
  Deno.test(`a whole object whose ${kind} is another one than was told is not complete`, () =>
    withStore(kind, async (harness) => {
      await put(harness, LONG);
      await assertFails(() => fetched(harness.sourceAt("f")), "badResponse", "read");
    }, {
      alter: (reply, { method }) =>
        method !== "GET" || reply.body === undefined || reply.body.length < PART ? reply : {
          ...reply,
          body: reply.body.map((byte, index) => index === 77 ? byte ^ 1 : byte),
        },
    }));
}
