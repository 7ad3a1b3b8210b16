/** Names of a bucket, beyond the suite: large copies, other buckets, markers of empty directories. */

import assert from "node:assert/strict";
import type { Directory } from "../../../protocols/directory.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { xml } from "../../../protocols/s3/xml.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { type PaperHarness, paperHarness } from "./paper_harness.ts";
import { document, type PaperQuirks } from "./paper_server.ts";

const MOVE = { replace: false, createDirectories: true, expected: null } as const;
const GIB = 2 ** 30;

async function withDirectory(
  quirks: PaperQuirks,
  body: (directory: Directory, harness: PaperHarness) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  const endpoint = { ...plainEndpoint("s3://b/data/"), ...harness.directory!.endpoint };
  const directory = harness.protocol.directory!(endpoint, harness.context);
  await harness.run!(() => body(directory, harness));
  await directory.close();
  await harness.close();
}

/** A server that says of one object that it has 6 GiB and a byte, and takes copies of its parts. */
function hugeObject(ranges: string[], completed: string[]): PaperQuirks {
  return {
    alter: (reply, { method }) =>
      method === "HEAD" && reply.status === 200
        ? { ...reply, headers: { ...reply.headers, "content-length": String(6 * GIB + 1) } }
        : reply,
    forge: ({ method, headers, body }, url) => {
      const range = headers["x-amz-copy-source-range"];
      if (range !== undefined) {
        ranges.push(`${headers["x-amz-copy-source"]} ${range}`);
        return document("CopyPartResult", [xml("ETag", `"${ranges.length}"`)]);
      }
      if (method !== "POST" || !url.searchParams.has("uploadId")) return null;
      completed.push(new TextDecoder().decode(body as Uint8Array));
      return document("CompleteMultipartUploadResult", [xml("ETag", '"whole"')]);
    },
  };
}

Deno.test("an object above 5 GiB is copied in parts of 1 GiB, and only then removed", () => {
  const ranges: string[] = [];
  const completed: string[] = [];
  return withDirectory(hugeObject(ranges, completed), async (directory, { server }) => {
    server.put("data/a b", patterned(10));
    const replacing = { ...MOVE, replace: true };
    assert.equal(await directory.rename("a b", "s3://b/done/a%20b", replacing, NEVER), true);
    assert.equal(ranges.length, 7);
    assert.equal(ranges[0], `/b/data/a%20b bytes=0-${GIB - 1}`);
    assert.equal(ranges[6], `/b/data/a%20b bytes=${6 * GIB}-${6 * GIB}`);
    assert.equal(completed[0]!.match(/<Part>/g)!.length, 7);
    assert.equal(server.objects.has("data/a b"), false);
  });
});

Deno.test("a copy that fails in its middle leaves the object and no upload", () => {
  let copies = 0;
  const quirks = hugeObject([], []);
  const failing: PaperQuirks = {
    ...quirks,
    forge: (request, url, count) =>
      request.headers["x-amz-copy-source-range"] !== undefined && ++copies > 2
        ? document("Error", [xml("Code", "AccessDenied")])
        : quirks.forge!(request, url, count),
  };
  return withDirectory(failing, async (directory, { server }) => {
    server.put("data/x", patterned(10));
    const call = () => directory.rename("x", "s3://b/y", { ...MOVE, replace: true }, NEVER);
    await assertFails(call, "denied", "a copy");
    assert.equal(server.objects.has("data/x"), true);
    assert.equal(server.uploads.size, 0);
  });
});

Deno.test("a marker of an empty directory is listed as nothing, and removed as a directory", () =>
  withDirectory({}, async (directory, { server }) => {
    server.put("data/", new Uint8Array());
    server.put("data/empty/", new Uint8Array());
    server.put("data/full/", new Uint8Array());
    server.put("data/full/x", patterned(1));
    const names: string[] = [];
    for await (const { entries } of directory.list(NEVER)) {
      names.push(...entries.map(({ name, kind }) => `${kind} ${name}`));
    }
    assert.deepEqual(names.sort(), ["directory empty", "directory full"]);
    assert.equal(await directory.remove("empty", null, NEVER), true);
    assert.equal(server.objects.has("data/empty/"), false);
    await assertFails(() => directory.remove("full", null, NEVER), "io", "a full directory");
    assert.equal(server.objects.has("data/full/"), true);
  }));

Deno.test("an object that is replaced between the look and the copy is not moved", () => {
  let isReplaced = false;
  let harness: PaperHarness | null = null;
  const quirks: PaperQuirks = {
    forge: ({ headers }) => {
      if (headers["x-amz-copy-source"] !== undefined && !isReplaced) {
        isReplaced = true;
        harness!.server.put("data/x", patterned(20, 2));
      }
      return null;
    },
  };
  return withDirectory(quirks, async (directory, opened) => {
    harness = opened;
    opened.server.put("data/x", patterned(20, 1));
    const call = () => directory.rename("x", "s3://b/data/y", MOVE, NEVER);
    await assertFails(call, "changed", "a move");
    assertBytes(opened.server.objects.get("data/x")!.bytes, patterned(20, 2), "the new one");
    assert.equal(opened.server.objects.has("data/y"), false);
  });
});
