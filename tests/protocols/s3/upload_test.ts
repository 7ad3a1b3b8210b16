/** How files get to a store: one request for a short one, parts for a long one, and what resumes. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Sink, SinkFile } from "../../../protocols/contract.ts";
import { bytesOfPart, evenPartBytes } from "../../../protocols/s3/part_sizes.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { OPTIONS, type PaperHarness, paperHarness } from "./paper_harness.ts";
import { failed, type PaperQuirks } from "./paper_server.ts";

const PART = 5_242_880;
const LONG = patterned(2 * PART + 1_000, 7);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const PARTED = { options: { ...OPTIONS, conditional: "yes", partSize: PART } };

async function withStore(
  body: (harness: PaperHarness) => Promise<void>,
  quirks: PaperQuirks = {},
): Promise<void> {
  const harness = paperHarness(quirks, PARTED);
  await harness.run!(() => body(harness));
  await harness.close();
}

/** In pieces that do not fit the parts. */
async function write(file: SinkFile, bytes: Uint8Array, from = 0): Promise<void> {
  for (let at = from; at < bytes.length; at += 1_000_003) {
    await file.write(bytes.subarray(at, at + 1_000_003), at);
  }
}

async function published(sink: Sink, bytes: Uint8Array, temp = "t"): Promise<void> {
  const file = await sink.create(temp, NEVER);
  await write(file, bytes);
  await sink.publish(file, { ...REPLACE, name: sink.name });
}

Deno.test("10,000 parts hold 5 TiB, the first ones are small and none is out of bounds", () => {
  let sum = 0;
  for (let number = 1; number <= 10_000; number++) {
    const bytes = bytesOfPart(number, null);
    assert.ok(bytes >= 5 * 2 ** 20 && bytes <= 5 * 2 ** 30);
    sum += bytes;
  }
  assert.ok(sum >= 5 * 2 ** 40, `${sum / 2 ** 40} TiB`);
  assert.equal(bytesOfPart(1, null), 8 * 2 ** 20);
});

Deno.test("of a known size the parts are even, as small as 10,000 allow, and hold a little more", () => {
  for (const size of [0, 1, 2 ** 33, 2 ** 37, 5 * 2 ** 40]) {
    const bytes = evenPartBytes(size);
    assert.ok(bytes * 10_000 >= size * 1.2, `${size}`);
    assert.ok(bytes <= 2 ** 30 && (bytes === 8 * 2 ** 20 || bytes * 10_000 < size * 1.4 + 2 ** 34));
  }
  assert.equal(evenPartBytes(60 * 2 ** 30), 8 * 2 ** 20);
});

Deno.test("a short file costs a look and one PUT, a look before spares the other", () =>
  withStore(async ({ sinkAt, server }) => {
    const sink = sinkAt("f");
    await published(sink, patterned(4_096));
    assert.deepEqual(server.requests, ["HEAD data/f", "PUT data/f"]);
    server.requests.length = 0;
    assert.equal((await sink.stat("f", NEVER))?.size, 4_096);
    await published(sink, patterned(4_097));
    assert.deepEqual(server.requests, ["HEAD data/f", "PUT data/f"]);
  }));

Deno.test("a long file goes in parts side by side and leaves nothing but itself", () =>
  withStore(async ({ sinkAt, server }) => {
    const sink = sinkAt("f");
    await published(sink, LONG);
    assertBytes(server.objects.get("data/f")!.bytes, LONG, "the published file");
    assert.deepEqual([...server.objects.keys()], ["data/f"]);
    assert.equal(server.uploads.size, 0);
    assert.equal(server.requests.filter((line) => line.includes("partNumber")).length, 3);
  }));

Deno.test("another process goes on with the parts that are there, and sends the others", () =>
  withStore(async ({ sinkAt, server }) => {
    const first = sinkAt("f");
    const begun = await first.create("t", NEVER);
    await write(begun, LONG.subarray(0, PART + 70_000));
    await begun.sync();
    await first.close();
    server.requests.length = 0;
    const later = sinkAt("f");
    const file = (await later.reopen("t", NEVER))!;
    assert.equal(file.fileId, begun.fileId);
    assert.equal(await file.size(), PART, "what fills no part is gone, and it says so");
    await write(file, LONG, PART);
    await later.publish(file, REPLACE);
    assertBytes(server.objects.get("data/f")!.bytes, LONG, "the published file");
    assert.equal(server.requests.filter((line) => line.includes("partNumber")).length, 2);
    assert.deepEqual([...server.objects.keys()], ["data/f"]);
  }));

Deno.test("a part that came out of order is not counted, a cut goes to the end of a part", () =>
  withStore(async ({ sinkAt, server }) => {
    const first = sinkAt("f");
    const begun = await first.create("t", NEVER);
    await write(begun, LONG);
    await begun.sync();
    await first.close();
    const [upload] = server.uploads.values();
    upload!.parts.set(9, upload!.parts.get(1)!);
    const later = sinkAt("f");
    const file = (await later.reopen("t", NEVER))!;
    assert.equal(await file.size(), 2 * PART);
    await file.truncate(2 * PART - 5);
    assert.equal(await file.size(), PART);
    await write(file, LONG, PART);
    await later.publish(file, REPLACE);
    assertBytes(server.objects.get("data/f")!.bytes, LONG, "the published file");
  }));

Deno.test("an upload that was aborted cannot be completed by its stale writer", () =>
  withStore(async ({ sinkAt, server }) => {
    const [stale, fresh] = [sinkAt("f"), sinkAt("f")];
    const file = await stale.create("t", NEVER);
    await write(file, LONG);
    await stale.close(); // as if it were another process: nothing of it is known here
    await fresh.abort("t");
    assert.equal(server.uploads.size, 0);
    const error = await assertFails(() => stale.publish(file, REPLACE), "notFound", "publish");
    assert.ok(error.definite);
    assert.equal(server.objects.size, 0);
  }));

Deno.test("an overtaken writer is refused at the end of its upload, too", () =>
  withStore(async ({ sinkAt, server }) => {
    const [stale, fresh] = [sinkAt("f"), sinkAt("f")];
    const file = await stale.create("old", NEVER);
    await write(file, LONG);
    await published(fresh, patterned(10), "new");
    const error = await assertFails(() => stale.publish(file, REPLACE), "changed", "publish");
    assert.ok(error.definite);
    assertBytes(server.objects.get("data/f")!.bytes, patterned(10), "the newer file");
  }));

for (const [what, bytes] of [["short", patterned(20)], ["long", LONG]] as const) {
  Deno.test(`of two that replace one version with a ${what} file, the slower one is refused`, () =>
    withStore(async ({ sinkAt, server }) => {
      server.put("data/f", patterned(5));
      const [stale, fresh] = [sinkAt("f"), sinkAt("f")];
      const file = await stale.create("old", NEVER);
      await write(file, bytes);
      await published(fresh, patterned(10), "new");
      const error = await assertFails(() => stale.publish(file, REPLACE), "changed", "publish");
      assert.ok(error.definite);
      assertBytes(server.objects.get("data/f")!.bytes, patterned(10), "the newer file");
    }));
}

for (const [what, bytes] of [["short", patterned(500)], ["long", LONG]] as const) {
  Deno.test(`a ${what} file whose publishing was answered too late counts as published`, async () => {
    let isLost = false;
    const quirks: PaperQuirks = {
      alter: (reply, { method }, url) => {
        const isPublish = method === (bytes === LONG ? "POST" : "PUT") &&
          url.pathname === "/b/data/f" && !url.searchParams.has("uploads") &&
          !url.searchParams.has("partNumber");
        if (!isPublish || isLost) return reply;
        isLost = true;
        return failed(500, "InternalError");
      },
    };
    await withStore(async ({ sinkAt, server }) => {
      await published(sinkAt("f"), bytes);
      assert.ok(isLost);
      assertBytes(server.objects.get("data/f")!.bytes, bytes, "the published file");
      assert.equal(server.versions.size, bytes === LONG ? 3 : 1, "it was made once");
    }, quirks);
  });
}

Deno.test("a marker that was written and not acknowledged is ours all the same", async () => {
  let lost = 0;
  const quirks: PaperQuirks = {
    alter: (reply, { method }, url) => {
      if (method !== "PUT" || url.pathname !== "/b/data/t" || reply.status !== 200) return reply;
      return lost++ < 2 ? failed(500, "InternalError") : reply;
    },
  };
  await withStore(async ({ sinkAt, server }) => {
    await published(sinkAt("f"), LONG);
    assert.equal(lost, 2, "both of them were lost");
    assert.deepEqual([...server.objects.keys()], ["data/f"]);
  }, quirks);
});

Deno.test("what was cut off and written anew is what another process finds", () =>
  withStore(async ({ sinkAt, server }) => {
    const first = sinkAt("f");
    const begun = await first.create("t", NEVER);
    await begun.write(patterned(100, 1), 0);
    await begun.sync();
    await begun.truncate(50);
    await begun.write(patterned(50, 2), 50);
    await begun.sync();
    await first.close();
    const later = sinkAt("f");
    const file = (await later.reopen("t", NEVER))!;
    assert.equal(await file.size(), 100);
    await later.publish(file, REPLACE);
    const expected = new Uint8Array([...patterned(100, 1).slice(0, 50), ...patterned(50, 2)]);
    assertBytes(server.objects.get("data/f")!.bytes, expected, "the published file");
  }));

Deno.test("an upload whose name could not be written down is given up", async () => {
  const quirks: PaperQuirks = {
    forge: ({ method, headers }, url) =>
      method === "PUT" && url.pathname === "/b/data/t" && headers["if-match"] !== undefined
        ? failed(403, "AccessDenied")
        : null,
  };
  await withStore(async ({ sinkAt, server }) => {
    await assertFails(() => published(sinkAt("f"), LONG), "denied", "the second marker");
    assert.equal(server.uploads.size, 0);
  }, quirks);
});

Deno.test("200 with an error in it is an error", async () => {
  const quirks: PaperQuirks = {
    forge: ({ method }, url) =>
      method === "POST" && url.searchParams.has("uploadId")
        ? { ...failed(500, "InternalError"), status: 200 }
        : null,
  };
  await withStore(async ({ sinkAt, server }) => {
    const call = () => published(sinkAt("f"), LONG);
    const error = await assertFails(call, "serverError", "complete");
    assert.equal(error.definite, false);
    assert.equal(server.objects.has("data/f"), false);
  }, quirks);
});

Deno.test("a long file is unpublished while its upload stands, and unknown once both are gone", () =>
  withStore(async ({ sinkAt, server }) => {
    const sink = sinkAt("f");
    const file = await sink.create("t", NEVER);
    await write(file, LONG);
    await file.sync();
    const expected = { name: "f", size: LONG.length, sha256: null, fileId: file.fileId };
    await sink.close();
    assert.equal(await sinkAt("f").probe("t", expected), "unpublished");
    await sinkAt("f").abort("t");
    assert.equal(await sinkAt("f").probe("t", expected), "unknown");
    assert.equal(server.objects.size, 0);
  }));

Deno.test("what nobody has touched for a week is given up by the next upload beside it", () =>
  withStore(async ({ sinkAt, server, world, env }) => {
    const old = sinkAt("g");
    const file = await old.create(".quorus-old.part", NEVER);
    await write(file, LONG);
    await file.sync();
    await old.close();
    server.put("data/.quorus-foreign", patterned(10));
    assert.equal(server.uploads.size, 1);
    await new Promise<void>((resolve) => env.timers.after(8 * 86_400_000, resolve));
    void world;
    await published(sinkAt("f"), LONG, ".quorus-new.part");
    assert.equal(server.uploads.size, 0);
    assert.deepEqual([...server.objects.keys()].sort(), ["data/.quorus-foreign", "data/f"]);
  }));

Deno.test("an upload is bound to its name, and says so before anything happens", () =>
  withStore(async ({ sinkAt, server }) => {
    const sink = sinkAt("f");
    const file = await sink.create("t", NEVER);
    await write(file, LONG);
    const options = { ...REPLACE, name: "g" };
    const error = await assertFails(() => sink.publish(file, options), "unsupported", "publish");
    assert.ok(error.definite);
    assert.equal(server.uploads.size, 1);
    await sink.abort("t");
  }));

Deno.test("objects are made as was declared", async () => {
  const key = new Uint8Array(32).fill(7).toBase64();
  const harness = paperHarness({}, {
    options: {
      ...PARTED.options,
      storageClass: "STANDARD_IA",
      encryption: "aws:kms",
      kmsKeyId: "arn:aws:kms:eu-1:1:key/9",
    },
    headers: {
      "Content-Type": "text/csv",
      "x-amz-meta-owner": "me",
      "x-amz-server-side-encryption-customer-key": key,
    },
  });
  await harness.run!(async () => {
    for (const bytes of [patterned(10), LONG]) {
      await published(harness.sinkAt("f"), bytes);
      const { headers } = harness.server.objects.get("data/f")!;
      assert.equal(headers["x-amz-storage-class"], "STANDARD_IA");
      assert.equal(headers["x-amz-server-side-encryption"], "aws:kms");
      assert.equal(
        headers["x-amz-server-side-encryption-aws-kms-key-id"],
        "arn:aws:kms:eu-1:1:key/9",
      );
      assert.equal(headers["content-type"], "text/csv");
      assert.equal(headers["x-amz-meta-owner"], "me");
    }
    const parts = harness.server.seen.filter(({ url }) => url.includes("partNumber"));
    assert.equal(parts.length, 3);
    const sum = createHash("md5").update(new Uint8Array(32).fill(7)).digest("base64");
    for (const { headers } of parts) {
      assert.equal(headers["x-amz-server-side-encryption-customer-key"], key);
      assert.equal(headers["x-amz-server-side-encryption-customer-key-md5"], sum);
    }
  });
  await harness.close();
});

Deno.test("a server that ignores conditions is found out, once", async () => {
  const harness = paperHarness({ ignoresConditions: true });
  await harness.run!(async () => {
    const first = harness.sinkAt("f");
    assert.equal(first.capabilities.fence, "conditional", "until it was tried");
    const others = [1, 2, 3].map((n) => published(harness.sinkAt(`o${n}`), patterned(10), `o${n}`));
    await Promise.all([published(first, patterned(10)), ...others]);
    const tried = harness.server.requests.filter((line) => line.includes("quorus-probe"));
    assert.equal(new Set(tried.map((line) => line.split(/[ ?]/)[1])).size, 1, "one trial for all");
    assert.equal(first.capabilities.fence, "none");
    assert.equal(first.capabilities.renameNoReplace, false);
    const asked = harness.server.requests.length;
    await published(harness.sinkAt("g"), patterned(10), "u");
    assert.equal(harness.server.requests.length, asked + 2, "no more is tried");
    const keys = ["f", "g", "o1", "o2", "o3"].map((name) => `data/${name}`);
    assert.deepEqual([...harness.server.objects.keys()].sort(), keys);
  });
  await harness.close();
});

Deno.test("a long file for another name than the declared one moves no byte twice, across processes too", () =>
  withStore(async ({ sinkAt, server }) => {
    server.put("data/f", patterned(5));
    const dead = sinkAt("f");
    const first = await dead.create("t", NEVER, LONG.length, "f (1)");
    assert.equal(first.boundTo, null, "while nothing was sent it can become any");
    await write(first, LONG.subarray(0, PART + 5));
    assert.equal(first.boundTo, "f (1)");
    await first.sync();
    await dead.close();
    const sink = sinkAt("f");
    const file = (await sink.reopen("t", NEVER))!;
    assert.equal(file.boundTo, "f (1)");
    assert.equal(await file.size(), PART);
    await write(file, LONG, PART);
    await sink.publish(file, { ...REPLACE, replace: false, name: "f (1)" });
    assertBytes(server.objects.get("data/f (1)")!.bytes, LONG, "the other name");
    assert.equal(server.objects.get("data/f")!.bytes.length, 5);
    assert.deepEqual([...server.objects.keys()], ["data/f", "data/f (1)"]);
    const parts = server.requests.filter((line) => line.includes("partNumber"));
    assert.equal(parts.length, 3);
  }));

Deno.test("a name that was taken after its upload began is not replaced, and the upload stays", () =>
  withStore(async ({ sinkAt, server }) => {
    const sink = sinkAt("f");
    const file = await sink.create("t", NEVER, LONG.length, "f (1)");
    await write(file, LONG);
    server.put("data/f (1)", patterned(3));
    const options = { ...REPLACE, replace: false, name: "f (1)" };
    await assertFails(() => sink.publish(file, options), "exists", "publish");
    assert.equal(server.objects.get("data/f (1)")!.bytes.length, 3);
    assert.equal((await sink.reopen("t", NEVER))!.boundTo, "f (1)");
    await sink.abort("t");
    assert.equal(server.uploads.size, 0);
  }));
