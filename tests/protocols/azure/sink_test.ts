/** What only Azure Blob does: blocks, what stands at a name meanwhile, and copies by the service. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { Sink } from "../../../protocols/contract.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { failed } from "./paper_server.ts";
import { type PaperHarness, paperHarness, paperSink } from "./harness.ts";

const MIB = 1_048_576;
const SIZE = 3 * MIB + 12_345;
const BYTES = patterned(SIZE);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const BLOB = "box/data/f";

async function withAccount(body: (harness: PaperHarness) => Promise<void>): Promise<void> {
  const harness = paperHarness({ options: { blockMiB: 1 } });
  try {
    await body(harness);
  } finally {
    await harness.close();
  }
}

async function filled(sink: Sink, temp: string, bytes = BYTES) {
  const file = await sink.create(temp, NEVER);
  for (let at = 0; at < bytes.length; at += 300_000) {
    await file.write(bytes.subarray(at, at + 300_000), at);
  }
  return file;
}

function sent(harness: PaperHarness, comp: string): number {
  return harness.account.requests.filter((line) =>
    line.startsWith("PUT") && new RegExp(`comp=${comp}(&|$)`).test(line)
  ).length;
}

Deno.test("a file of one block is one request, a larger one as many blocks and their list", () =>
  withAccount(async (harness) => {
    const sink = paperSink(harness, "f");
    await sink.publish(await filled(sink, "a.part", BYTES.subarray(0, MIB)), REPLACE);
    assert.deepEqual([sent(harness, "block"), sent(harness, "blocklist")], [0, 0]);
    const again = paperSink(harness, "f");
    await again.publish(await filled(again, "b.part"), REPLACE);
    assert.deepEqual([sent(harness, "block"), sent(harness, "blocklist")], [4, 1]);
    assertBytes(harness.account.blobs.get(BLOB)!.bytes, BYTES, "the blob");
  }));

Deno.test("after a crash the blocks that were taken are gone on with, whoever asks", () =>
  withAccount(async (harness) => {
    const dead = await filled(paperSink(harness, "f"), "t.part");
    await dead.sync();
    // It never closes: what was not a full block is lost with its process.
    const sink = paperSink(harness, "f");
    const file = await sink.reopen("t.part", NEVER);
    assert.equal(await file!.size(), 3 * MIB);
    await file!.truncate(2 * MIB + 5);
    assert.equal(await file!.size(), 2 * MIB, "a block cannot be cut in its middle");
    await file!.write(BYTES.subarray(2 * MIB), 2 * MIB);
    const facts = await sink.publish(file!, REPLACE);
    assert.equal(facts.fileId, file!.fileId);
    assertBytes(harness.account.blobs.get(BLOB)!.bytes, BYTES, "the blob");
    assert.equal(sent(harness, "block"), 3 + 2);
  }));

Deno.test("a file with large blocks is opened again with what was gathered of one, and goes on", () =>
  withAccount(async (harness) => {
    const sink = paperSink(harness, "f");
    // So large a file that its blocks have 3 MiB.
    const first = await sink.create("t.part", NEVER, 50_000 * 3 * MIB);
    await first.write(BYTES.subarray(0, 2 * MIB), 0);
    await first.close();
    const again = await sink.reopen("t.part", NEVER);
    await again!.write(BYTES.subarray(2 * MIB), 2 * MIB);
    await sink.publish(again!, REPLACE);
    assertBytes(harness.account.blobs.get(BLOB)!.bytes, BYTES, "the blob");
    assert.equal(sent(harness, "block"), 2);
  }));

Deno.test("a block that the account is too busy for is sent again, and so is the list after a look", () =>
  withAccount(async (harness) => {
    const refused = new Map([["block", 2], ["blocklist", 1]]);
    harness.account.forge = (request, url) => {
      const comp = url.searchParams.get("comp") ?? "";
      const left = request.method === "PUT" ? refused.get(comp) ?? 0 : 0;
      if (left === 0) return null;
      refused.set(comp, left - 1);
      return failed(503, "ServerBusy");
    };
    const sink = paperSink(harness, "f");
    const file = await filled(sink, "t.part");
    await sink.publish(file, REPLACE);
    assert.equal(sent(harness, "blocklist"), 2);
    assertBytes(harness.account.blobs.get(BLOB)!.bytes, BYTES, "the blob");
  }));

Deno.test("an upload that a later attempt aborted cannot be published, nor gone on with", () =>
  withAccount(async (harness) => {
    const [stale, fresh] = [paperSink(harness, "f"), paperSink(harness, "f")];
    const file = await filled(stale, "t.part");
    await file.sync();
    await fresh.abort("t.part");
    assert.equal(await fresh.reopen("t.part", NEVER), null);
    const error = await assertFails(() => stale.publish(file, REPLACE), "notFound", "publish");
    assert.ok(error.definite && !error.retryable);
    assert.equal(harness.account.blobs.get(BLOB), undefined);
  }));

Deno.test("a stale writer's blocks are never in another one's list, and are gone once that one has published", () =>
  withAccount(async (harness) => {
    const [stale, fresh] = [paperSink(harness, "f"), paperSink(harness, "f")];
    const old = await filled(stale, "old.part", patterned(SIZE, 9));
    const file = await filled(fresh, "new.part");
    await fresh.publish(file, REPLACE);
    assertBytes(harness.account.blobs.get(BLOB)!.bytes, BYTES, "the blob");
    const error = await assertFails(
      () => stale.publish(old, REPLACE),
      ["notFound", "exists"],
      "the stale one",
    );
    assert.ok(error.definite);
  }));

Deno.test("what was published meanwhile is not replaced, although the upload began before", () =>
  withAccount(async (harness) => {
    harness.account.put(BLOB, patterned(5));
    const sink = paperSink(harness, "f");
    const file = await filled(sink, "t.part");
    harness.account.put(BLOB, patterned(6));
    // Whoever wrote it also swept the blocks away, as the service does.
    const error = await assertFails(() => sink.publish(file, REPLACE), ["changed", "notFound"], "");
    assert.ok(error.definite && !error.retryable);
    assert.equal(harness.account.blobs.get(BLOB)!.bytes.length, 6);
  }));

Deno.test("tier, scope, type, time and a customer's key go with the blob and with its blocks", async () => {
  const key = new Uint8Array(32).fill(7).toBase64();
  const harness = paperHarness({
    options: {
      blockMiB: 1,
      accessTier: "Cool",
      encryptionScope: "tenants",
      contentType: "text/csv",
    },
    headers: { "x-ms-encryption-key": key },
  });
  try {
    const seen: Headers[] = [];
    harness.account.forge = (request) => {
      if (request.method === "PUT") seen.push(request.headers);
      return null;
    };
    const sink = paperSink(harness, "f");
    const mtimeMs = Date.UTC(2019, 1, 3, 4, 5, 6, 789);
    const facts = await sink.publish(await filled(sink, "t.part"), { ...REPLACE, mtimeMs });
    assert.equal(facts.mtimeMs, mtimeMs);
    assert.equal(seen.length, 5);
    for (const headers of seen) {
      assert.equal(headers.get("x-ms-encryption-key"), key);
      assert.equal(headers.get("x-ms-encryption-algorithm"), "AES256");
      assert.equal(headers.get("x-ms-encryption-scope"), "tenants");
    }
    const last = seen.at(-1)!;
    assert.equal(last.get("x-ms-access-tier"), "Cool");
    assert.equal(last.get("x-ms-blob-content-type"), "text/csv");
    assert.equal(last.get("x-ms-meta-mtime"), "2019-02-03T04:05:06.789Z");
  } finally {
    await harness.close();
  }
});

Deno.test("a rename waits for the copy that the service makes, and keeps what was changed meanwhile", () =>
  withAccount(async (harness) => {
    harness.account.put("box/data/in/x", patterned(7));
    harness.account.pendingCopies = 2;
    const directory = harness.protocol.directory!({
      ...plainEndpoint(harness.directory!.uri("in/")),
      ...harness.endpoint,
    }, harness.context);
    const options = { replace: false, createDirectories: true, expected: null };
    const to = harness.directory!.uri("done/x");
    assert.equal(await directory.rename("x", to, options, NEVER), true);
    assert.deepEqual([...harness.account.blobs.keys()], ["box/data/done/x"]);
    await assertFails(
      () => directory.rename("x", "azblob://elsewhere/box/x", options, NEVER),
      "unsupported",
      "another account",
    );
  }));
