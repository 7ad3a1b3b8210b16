/** A request that publishes and that nobody has answered: it may land later, and no probe denies it. */

import assert from "node:assert/strict";
import type { ProbeExpectation, Sink, SinkFile } from "../../../protocols/contract.ts";
import type { NetRequest } from "../../../runtime/env/env.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { OPTIONS, type PaperHarness, paperHarness } from "./paper_harness.ts";
import { failed, type PaperQuirks } from "./paper_server.ts";

const PART = 5_242_880;
const BYTES = patterned(100);
const LONG = patterned(PART + 1_000, 7);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const SILENT_MS = 3_600_000;

/** A store whose publishing requests are held back: they neither land nor are refused until told. */
interface Store extends PaperHarness {
  readonly held: NetRequest[];
  /** What becomes of the next one that publishes. */
  fate: "lands" | "silence" | "gateway" | "lost";
}

async function withStore(
  body: (store: Store) => Promise<void>,
  { conditional = "yes", ...quirks }: PaperQuirks & { readonly conditional?: "yes" | "no" } = {},
): Promise<void> {
  const held: NetRequest[] = [];
  const store: { fate: Store["fate"] } = { fate: "lands" };
  const harness: PaperHarness = paperHarness({
    ...quirks,
    forge: (request, url) => {
      const isPublishing = url.pathname === "/b/data/f" &&
        ((request.method === "PUT" && !url.searchParams.has("partNumber")) ||
          (request.method === "POST" && url.searchParams.has("uploadId")));
      const { fate } = store;
      if (!isPublishing || fate === "lands") return null;
      store.fate = "lands";
      if (fate === "lost") harness.server.answer(request);
      else held.push(request);
      if (fate === "silence") return { status: 200, delayMs: SILENT_MS };
      return failed(504, "GatewayTimeout");
    },
  }, { options: { ...OPTIONS, conditional, partSize: PART } });
  const whole: Store = Object.defineProperty(
    { ...harness, held, fate: "lands" },
    "fate",
    { get: () => store.fate, set: (fate: Store["fate"]) => store.fate = fate },
  );
  await harness.run!(() => body(whole));
  await harness.close();
}

async function written(sink: Sink, bytes: Uint8Array, temp = "t"): Promise<SinkFile> {
  const file = await sink.create(temp, NEVER);
  await file.write(bytes, 0);
  return file;
}

function expectationOf({ fileId }: SinkFile, size: number): ProbeExpectation {
  return { name: "f", size, sha256: null, fileId };
}

/** A file whose publication nobody has answered; its writer's process is gone. */
async function lostInSilence(store: Store, bytes: Uint8Array): Promise<ProbeExpectation> {
  const sink = store.sinkAt("f");
  const file = await written(sink, bytes);
  store.fate = "silence";
  const error = await assertFails(() => sink.publish(file, REPLACE), "timeout", "publish");
  assert.ok(!error.definite);
  const expected = expectationOf(file, bytes.length);
  if (bytes.length < PART) assert.equal(await sink.probe("t", expected), "unknown", "here");
  await sink.close();
  return expected;
}

Deno.test("s3: a PUT that lands after the probe was unknown before it, and is published after it", () =>
  withStore(async (store) => {
    const expected = await lostInSilence(store, BYTES);
    assert.equal(await store.sinkAt("f").probe("t", expected), "unknown");
    assert.equal(store.server.answer(store.held[0]!).status, 200);
    assert.equal(await store.sinkAt("f").probe("t", expected), "published");
  }));

Deno.test("s3: what stood at the name before proves nothing, and neither does what stands there now", () =>
  withStore(async (store) => {
    store.server.put("data/f", patterned(5));
    const expected = await lostInSilence(store, BYTES);
    assert.equal(await store.sinkAt("f").probe("t", expected), "unknown");
    store.server.put("data/f", patterned(BYTES.length, 9));
    assert.equal(await store.sinkAt("f").probe("t", expected), "unknown");
  }));

Deno.test("s3: a process that ended before it could say whether it published leaves that unknown", () =>
  withStore(async (store) => {
    const sink = store.sinkAt("f");
    const file = await written(sink, BYTES);
    const expected = expectationOf(file, BYTES.length);
    assert.equal(await sink.probe("t", expected), "unpublished", "whoever holds it knows");
    await sink.close();
    assert.equal(await store.sinkAt("f").probe("t", expected), "unknown");
  }));

Deno.test("s3: a PUT that lands late replaces nothing that was published after it", () =>
  withStore(async (store) => {
    await lostInSilence(store, BYTES);
    const next = store.sinkAt("f");
    await next.publish(await written(next, BYTES, "u"), REPLACE);
    const standing = store.server.objects.get("data/f")!;
    assert.equal(store.server.answer(store.held[0]!).status, 412);
    assert.equal(store.server.objects.get("data/f"), standing);
  }));

Deno.test("s3: without conditions a PUT that lands late brings the same bytes once more", () =>
  withStore(async (store) => {
    await lostInSilence(store, BYTES);
    const next = store.sinkAt("f");
    assert.equal(next.capabilities.fence, "none");
    await next.publish(await written(next, BYTES, "u"), REPLACE);
    assert.equal(store.server.answer(store.held[0]!).status, 200);
    assertBytes(store.server.objects.get("data/f")!.bytes, BYTES, "the object");
  }, { conditional: "no", ignoresConditions: true }));

Deno.test("s3: a PUT whose answer was lost on the way is found at its name, and not sent again", () =>
  withStore(async (store) => {
    const sink = store.sinkAt("f");
    const file = await written(sink, BYTES);
    store.fate = "lost";
    assert.equal((await sink.publish(file, REPLACE)).fileId, file.fileId);
    assert.equal(store.server.requests.filter((line) => line === "PUT data/f").length, 2);
    assert.equal(
      store.server.versions.size,
      1,
      "the paper server counts the one that it was given",
    );
  }));

Deno.test("s3: after a broken gateway the same PUT goes again, and the first one is refused when it lands", () =>
  withStore(async (store) => {
    const sink = store.sinkAt("f");
    const file = await written(sink, BYTES);
    store.fate = "gateway";
    await sink.publish(file, REPLACE);
    assert.equal(store.server.answer(store.held[0]!).status, 412);
    assert.equal(store.server.versions.size, 1);
  }));

Deno.test("s3: a completion that nobody answered is unpublished while its upload stands, and fails once that is aborted", () =>
  withStore(async (store) => {
    const expected = await lostInSilence(store, LONG);
    assert.equal(await store.sinkAt("f").probe("t", expected), "unpublished");
    const sink = store.sinkAt("f");
    await sink.abort("t");
    assert.equal(store.server.answer(store.held[0]!).status, 404);
    assert.equal(await sink.probe("t", expected), "unknown");
  }));

Deno.test("s3: who goes on with an upload whose completion lands meanwhile finds it published", () =>
  withStore(async (store) => {
    const expected = await lostInSilence(store, LONG);
    const sink = store.sinkAt("f");
    const file = (await sink.reopen("t", NEVER))!;
    await file.write(LONG.subarray(await file.size()), await file.size());
    assert.equal(store.server.answer(store.held[0]!).status, 200);
    // The upload is gone, and what stands at the name is this very file.
    assert.equal((await sink.publish(file, REPLACE)).fileId, expected.fileId);
    assert.equal(await sink.probe("t", expected), "published");
  }));

Deno.test("s3: a synced short file is unpublished by its marker, which is gone before it is published", () =>
  withStore(async (store) => {
    const sink = store.sinkAt("f");
    const file = await written(sink, BYTES);
    await file.sync();
    const expected = expectationOf(file, BYTES.length);
    await sink.close();
    assert.equal(await store.sinkAt("f").probe("t", expected), "unpublished");
    const next = store.sinkAt("f");
    const again = (await next.reopen("t", NEVER))!;
    store.fate = "silence";
    await assertFails(() => next.publish(again, REPLACE), "timeout", "publish");
    await next.close();
    assert.equal(await store.sinkAt("f").probe("t", expected), "unknown");
    store.server.answer(store.held[0]!);
    assert.equal(await store.sinkAt("f").probe("t", expected), "published");
  }));
