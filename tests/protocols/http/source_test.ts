/** The http source against a server that behaves: facts, ranges, versions, and what it costs. */

import assert from "node:assert/strict";
import type { Fingerprint } from "../../../protocols/contract.ts";
import {
  type FileServer,
  type FileServerOptions,
  startFileServer,
} from "../../servers/file_server.ts";
import { bytesOf, generatedFile, sha256Of } from "../../servers/pattern.ts";
import { drain, failing, noAbort, readRange, WHOLE, withSources } from "./reading.ts";

const SIZE = 300_000;
const FILE = generatedFile(SIZE, 42);
const OTHER = generatedFile(SIZE, 43);
const UNTAGGED = generatedFile(SIZE, 44, { etag: null });

async function withServer(
  test: (server: FileServer) => Promise<void>,
  options: Partial<FileServerOptions> = {},
): Promise<void> {
  const files = new Map([["/file", FILE], ["/untagged", UNTAGGED]]);
  const server = startFileServer({ files, ...options });
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

Deno.test("http: opening tells the facts in one request", () =>
  withServer((server) =>
    withSources(async (source) => {
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      const { fingerprint, ranges, sha256 } = reader.facts;
      assert.deepEqual(fingerprint, {
        size: SIZE,
        mtimeMs: FILE.mtimeMs,
        etag: FILE.etag,
        version: null,
      });
      assert.deepEqual({ ranges, sha256 }, { ranges: true, sha256: sha256Of(FILE) });
      assert.deepEqual(await drain(reader), bytesOf(FILE));
      assert.deepEqual(await reader.confirm(), fingerprint);
      assert.deepEqual(server.requests().map(({ method }) => method), ["GET"]);
    }), { digest: true }));

Deno.test("http: stat tells the same facts by HEAD and moves no byte", () =>
  withServer((server) =>
    withSources(async (source) => {
      const facts = await source(server.url("/file")).stat(noAbort());
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      await reader.close();
      assert.deepEqual(facts, reader.facts);
      assert.equal(server.requests()[0]!.method, "HEAD");
    })
  ));

Deno.test("http: stat falls back to GET where HEAD is refused", () =>
  withServer((server) =>
    withSources(async (source) => {
      const facts = await source(server.url("/file")).stat(noAbort());
      assert.equal(facts.fingerprint.size, SIZE);
      assert.deepEqual(server.requests().map(({ method }) => method), ["HEAD", "GET"]);
    }), { head: false }));

Deno.test("http: any range is served, empty ones and those over the end too", () =>
  withServer((server) =>
    withSources(async (source) => {
      const ranges = [[0, 1], [5, 5], [0, 0], [7, 100_001], [SIZE - 1, SIZE], [SIZE - 5, SIZE + 9]];
      for (const [start, end] of ranges as [number, number][]) {
        const bytes = await readRange(source(server.url("/file")), { start, end });
        assert.deepEqual(bytes, bytesOf(FILE, start, Math.min(end, SIZE)), `${start}-${end}`);
      }
      const rest = await readRange(source(server.url("/file")), { start: 1_000, end: null });
      assert.deepEqual(rest, bytesOf(FILE, 1_000));
      const nothing = await readRange(source(server.url("/file")), { start: SIZE, end: null });
      assert.equal(nothing.length, 0);
      const beyond = source(server.url("/file")).open(
        { start: SIZE + 1, end: null },
        null,
        noAbort(),
      );
      await failing(beyond, "rangeNotSupported");
    })
  ));

for (const path of ["/file", "/untagged"]) {
  Deno.test(`http: a resume of the same version is served (${path})`, () =>
    withServer((server) =>
      withSources(async (source) => {
        const { fingerprint } = await source(server.url(path)).stat(noAbort());
        const range = { start: 1_000, end: null };
        const bytes = await readRange(source(server.url(path)), range, fingerprint);
        assert.equal(bytes.length, SIZE - 1_000);
        assert.notEqual(server.requests()[1]!.headers.get("if-range"), undefined);
      })
    ));

  Deno.test(`http: a resume of another version gives changed (${path})`, () =>
    withServer((server) =>
      withSources(async (source) => {
        const { fingerprint } = await source(server.url(path)).stat(noAbort());
        const etag = path === "/file" ? OTHER.etag : null;
        server.put(path, { ...OTHER, etag, mtimeMs: FILE.mtimeMs! + 1_000 });
        for (const start of [0, 1_000]) {
          const opening = source(server.url(path)).open(
            { start, end: null },
            fingerprint,
            noAbort(),
          );
          await failing(opening, "changed");
        }
      })
    ));
}

Deno.test("http: without an ETag a date of this very second identifies nothing", () =>
  withServer((server) =>
    withSources(async (source) => {
      server.put("/new", generatedFile(10, 1, { etag: null, mtimeMs: Date.now() }));
      const facts = await source(server.url("/new")).stat(noAbort());
      assert.equal(facts.fingerprint.mtimeMs, null);
    })
  ));

Deno.test("http: a file that changes while a large body is read shows when confirmed", () =>
  withServer((server) =>
    withSources(async (source) => {
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      server.put("/file", OTHER);
      await drain(reader);
      const seen: Fingerprint = await reader.confirm();
      assert.equal(seen.etag, OTHER.etag);
    }, { httpConfirmAboveBytes: 1_000 })
  ));

Deno.test("http: a server that lets nobody look twice does not spoil what was read", () =>
  withServer((server) =>
    withSources(async (source) => {
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      server.refuse("/file", 403);
      await drain(reader);
      assert.equal((await reader.confirm()).etag, FILE.etag);
    }, { httpConfirmAboveBytes: 1_000 })
  ));

Deno.test("http: a cut transfer is resumed, and only the rest is sent again", () =>
  withServer((server) =>
    withSources(async (source) => {
      server.cut("/file", 100_000);
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      const error = await failing(drain(reader), "truncated");
      assert.equal(error.details.received, 100_000);
      const range = { start: 100_000, end: null };
      const rest = await readRange(source(server.url("/file")), range, reader.facts.fingerprint);
      assert.deepEqual(rest, bytesOf(FILE, 100_000));
      assert.equal(server.bytesServed("/file"), SIZE);
    })
  ));

Deno.test("http: no length announced is read to its end", () =>
  withServer((server) =>
    withSources(async (source) => {
      const reader = await source(server.url("/file")).open(WHOLE, null, noAbort());
      assert.equal(reader.facts.fingerprint.size, null);
      assert.deepEqual(await drain(reader), bytesOf(FILE));
      assert.equal((await reader.confirm()).size, SIZE);
      server.cut("/file", 100_000);
      await failing(readRange(source(server.url("/file"))), "truncated");
    }), { announceLength: false }));

Deno.test("http: many small files share one connection", () =>
  withServer(
    (server) =>
      withSources(async (source) => {
        for (let i = 0; i < 50; i++) await readRange(source(server.url(`/${i}`)));
        assert.equal(server.connections(), 1);
        assert.equal(server.requests().length, 50);
      }),
    { files: (path) => generatedFile(4_096, Number(path.slice(1))) },
  ));

Deno.test("http: names with every odd character are asked for as they are", () =>
  withServer((server) =>
    withSources(async (source) => {
      const names = ["/a b", "/a%20b", "/ü/ß", "/a?b", "/a#b", "/a&b=c;d", "/'\"<>", "/\\", "/+"];
      for (const [index, name] of names.entries()) {
        server.put(name, generatedFile(100, index));
        const bytes = await readRange(source(server.url(name)));
        assert.deepEqual(bytes, bytesOf(generatedFile(100, index)), name);
      }
    })
  ));
