/** SHA-256 by the server: asked for only where it is to be, once for each version, and checked. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { assertFails } from "../../conformance/case.ts";
import { AUTH, paperHarness } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_server.ts";

const NEVER = new AbortController().signal;
const CONTENT = new Uint8Array(200_000).fill(7);
const HASH = new Uint8Array(32).fill(0xab);
const KNOWS = { checkFile: { name: "sha256", hash: HASH } };
/** The default of `sftpIdleTimeoutMs`; the file may take 20 ms more (`sftpHashBytesPerMs`). */
const IDLE_MS = 60_000;

async function withSource(
  quirks: PaperQuirks,
  options: Record<string, boolean>,
  body: (
    source: NonNullable<ReturnType<typeof sourceOf>>,
    server: ReturnType<typeof paperHarness>["server"],
  ) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  harness.server.put("/data/f", CONTENT);
  const source = sourceOf(harness, options);
  await harness.run!(() => body(source, harness.server));
  await source.close();
  await harness.close();
}

function sourceOf(harness: ReturnType<typeof paperHarness>, options: Record<string, boolean>) {
  const endpoint = { ...plainEndpoint("sftp://paper/data/f"), auth: AUTH, options };
  return harness.protocol.source!(endpoint, harness.context);
}

Deno.test("a server is asked for a hash where that is declared, and never otherwise", async () => {
  await withSource(KNOWS, {}, async (source, server) => {
    assert.equal(source.capabilities.serverHash, false);
    assert.equal((await source.stat(NEVER)).sha256, null);
    assert.equal(server.hashed, 0);
  });
  await withSource(KNOWS, { serverHash: true }, async (source) => {
    assert.equal(source.capabilities.serverHash, true);
    assert.equal((await source.stat(NEVER)).sha256, HASH.toHex());
  });
});

Deno.test("a version is hashed once, however many ranges of it are opened; another one again", () =>
  withSource(KNOWS, { serverHash: true }, async (source, server) => {
    for (const start of [0, 100, 200]) {
      const reader = await source.open({ start, end: start + 100 }, null, NEVER);
      assert.equal(reader.facts.sha256, HASH.toHex());
      await reader.close();
    }
    assert.equal(server.hashed, 1);
    server.put("/data/f", CONTENT.slice(1));
    await source.stat(NEVER);
    assert.equal(server.hashed, 2);
  }));

Deno.test("a server that knows no check-file vouches for nothing", () =>
  withSource({}, { serverHash: true }, async (source) => {
    assert.equal((await source.stat(NEVER)).sha256, null);
  }));

for (
  const [what, checkFile] of [
    ["of another kind", { name: "md5", hash: HASH.subarray(16) }],
    ["that is too short", { name: "sha256", hash: HASH.subarray(1) }],
    ["for each block", { name: "sha256", hash: new Uint8Array(64) }],
  ] as const
) {
  Deno.test(`a hash ${what} is none`, () =>
    withSource({ checkFile }, { serverHash: true }, async (source) => {
      await assertFails(() => source.stat(NEVER), "badResponse", what);
    }));
}

Deno.test("a server may be silent for as long as reading the file takes, and no longer", async () => {
  const after = (afterMs: number) => ({ checkFile: { ...KNOWS.checkFile, afterMs } });
  await withSource(after(IDLE_MS + 10), { serverHash: true }, async (source) => {
    assert.equal((await source.stat(NEVER)).sha256, HASH.toHex());
  });
  await withSource(after(IDLE_MS + 100), { serverHash: true }, async (source) => {
    await assertFails(() => source.stat(NEVER), "timeout", "too late");
  });
});
