/** A request that publishes and that nobody has answered: it may land later, and no probe denies it. */

import assert from "node:assert/strict";
import type { ProbeExpectation, Sink, SinkFile } from "../../../protocols/contract.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { type PaperHarness, paperHarness, paperSink } from "./harness.ts";
import { failed } from "./paper_server.ts";

const MIB = 1_048_576;
const SHORT = patterned(100);
const LONG = patterned(2 * MIB + 12_345);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const BLOB = "box/data/f";

/** An account whose publishing requests break off at a gateway; `land` carries one out afterwards. */
interface Account extends PaperHarness {
  /** Holds back so many of the next ones. */
  holds(count: number): void;
  land(index: number): Promise<number>;
}

async function withAccount(body: (account: Account) => Promise<void>): Promise<void> {
  const harness = paperHarness({ options: { blockMiB: 1 } });
  const held: Request[] = [];
  let left = 0;
  harness.account.forge = (request, url) => {
    const isPublishing = request.method === "PUT" && url.pathname === `/${BLOB}` &&
      url.searchParams.get("comp") !== "block";
    if (!isPublishing || left === 0) return null;
    left -= 1;
    const body = harness.account.lastBody;
    held.push(new Request(request.url, { method: "PUT", headers: request.headers, body }));
    return failed(504, "OperationTimedOut");
  };
  const land = async (index: number) => {
    const response = await fetch(held[index]!);
    await response.body?.cancel();
    return response.status;
  };
  try {
    await body(Object.assign(harness, { land, holds: (count: number) => void (left = count) }));
  } finally {
    await harness.close();
  }
}

async function written(sink: Sink, bytes: Uint8Array, temp = "t.part"): Promise<SinkFile> {
  const file = await sink.create(temp, NEVER);
  await file.write(bytes, 0);
  return file;
}

/** A file whose publication nobody has answered; its writer's process is gone. */
async function lost(account: Account, bytes: Uint8Array): Promise<ProbeExpectation> {
  const sink = paperSink(account, "f");
  const file = await written(sink, bytes);
  account.holds(4);
  const error = await assertFails(() => sink.publish(file, REPLACE), "serverError", "publish");
  assert.ok(!error.definite);
  const expected = { name: "f", size: bytes.length, sha256: null, fileId: file.fileId };
  if (bytes === SHORT) assert.equal(await sink.probe("t.part", expected), "unknown", "here");
  return expected;
}

Deno.test("azure: a PUT that lands after the probe was unknown before it, and is published after it", () =>
  withAccount(async (account) => {
    const expected = await lost(account, SHORT);
    assert.equal(await paperSink(account, "f").probe("t.part", expected), "unknown");
    assert.equal(await account.land(0), 201);
    assert.equal(await paperSink(account, "f").probe("t.part", expected), "published");
    assert.deepEqual([await account.land(1), await account.land(2)], [409, 409]);
  }));

Deno.test("azure: what stood at the name before proves nothing, and neither does what stands there now", () =>
  withAccount(async (account) => {
    account.account.put(BLOB, patterned(5));
    const expected = await lost(account, SHORT);
    assert.equal(await paperSink(account, "f").probe("t.part", expected), "unknown");
    account.account.put(BLOB, patterned(SHORT.length, 9));
    assert.equal(await paperSink(account, "f").probe("t.part", expected), "unknown");
  }));

Deno.test("azure: a PUT that lands late replaces nothing that was published after it", () =>
  withAccount(async (account) => {
    await lost(account, SHORT);
    const next = paperSink(account, "f");
    await next.publish(await written(next, SHORT, "u.part"), REPLACE);
    const standing = account.account.blobs.get(BLOB);
    assert.equal(await account.land(0), 409);
    assert.equal(account.account.blobs.get(BLOB), standing);
  }));

Deno.test("azure: after a broken gateway the same PUT goes again, and the first one is refused when it lands", () =>
  withAccount(async (account) => {
    const sink = paperSink(account, "f");
    const file = await written(sink, SHORT);
    account.holds(1);
    assert.equal((await sink.publish(file, REPLACE)).fileId, file.fileId);
    assert.equal(await account.land(0), 409);
  }));

Deno.test("azure: blocks that stand are unpublished, and who goes on with them finds what landed meanwhile", () =>
  withAccount(async (account) => {
    const expected = await lost(account, LONG);
    const sink = paperSink(account, "f");
    assert.equal(await sink.probe("t.part", expected), "unpublished");
    const file = (await sink.reopen("t.part", NEVER))!;
    assert.equal(await account.land(0), 201);
    const facts = await sink.publish(file, REPLACE);
    assert.equal(facts.fileId, expected.fileId);
    assertBytes(account.account.blobs.get(BLOB)!.bytes, LONG, "the blob");
  }));

Deno.test("a long file for another name than the declared one moves no byte twice, across processes too", () =>
  withAccount(async (account) => {
    account.account.put(BLOB, patterned(5));
    const dead = paperSink(account, "f");
    const first = await dead.create("t.part", NEVER, LONG.length, "f (1)");
    await first.write(LONG.subarray(0, MIB + 5), 0);
    assert.equal(first.boundTo, "f (1)");
    await first.sync();
    const sink = paperSink(account, "f");
    const file = (await sink.reopen("t.part", NEVER))!;
    assert.deepEqual([file.boundTo, await file.size()], ["f (1)", MIB]);
    await file.write(LONG.subarray(MIB), MIB);
    await sink.publish(file, { ...REPLACE, replace: false, name: "f (1)" });
    assertBytes(account.account.blobs.get(`${BLOB} (1)`)!.bytes, LONG, "the other name");
    assert.deepEqual([...account.account.blobs.keys()], [BLOB, `${BLOB} (1)`]);
    const blocks = account.account.requests.filter((line) => /comp=block(&|$)/.test(line));
    assert.equal(blocks.length, 3);
  }));

Deno.test("an upload for another name than the declared one is given up by whoever knows its temporary name", () =>
  withAccount(async (account) => {
    const stale = paperSink(account, "f");
    const file = await stale.create("t.part", NEVER, LONG.length, "f (1)");
    await file.write(LONG, 0);
    await file.sync();
    await paperSink(account, "f").abort("t.part");
    const publishing = () => stale.publish(file, { ...REPLACE, name: "f (1)" });
    await assertFails(publishing, "notFound", "publish");
    assert.equal(account.account.blobs.size, 0);
  }));
