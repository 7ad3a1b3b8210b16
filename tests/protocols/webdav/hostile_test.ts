/** What WebDAV servers get that do not keep their word in listings and answers. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import type { Directory } from "../../../protocols/directory.ts";
import { protocolLimits } from "../../../protocols/limits.ts";
import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { SimReply } from "../../../runtime/sim/hosts.ts";
import { assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { GIBIBYTE, startAttacker } from "../../servers/attacker.ts";
import { ownBytes } from "../../servers/own_memory.ts";
import { paperHarness } from "./harness.ts";

type Paper = ReturnType<typeof paperHarness>;

const WHOLE = patterned(200_000);
const MOST_MEMORY_BYTES = 64 * 2 ** 20;
const PAGES = 15;

async function withServer(body: (paper: Paper) => Promise<void>): Promise<void> {
  const paper = paperHarness();
  paper.server.put("/data/f", WHOLE);
  await paper.world.complete(body(paper));
}

const sourceOf = (paper: Paper) =>
  paper.protocol.source!(
    { ...plainEndpoint("dav://paper/data/f"), responseTimeoutMs: 500, idleTimeoutMs: 500 },
    paper.context,
  );

const directoryOf = (paper: Paper) =>
  paper.protocol.directory!(plainEndpoint("dav://paper/data/"), paper.context);

function response(href: string, size = "5"): string {
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype/>` +
    `<D:getcontentlength>${size}</D:getcontentlength></D:prop>` +
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
}

const body = (text: string): SimReply => ({ status: 207, body: new TextEncoder().encode(text) });
const HEAD = '<D:multistatus xmlns:D="DAV:">';

/** What a GET is answered with, made of the honest answer. */
const READS: readonly [string, (bytes: Uint8Array) => SimReply, ProtocolErrorCode][] = [
  ["announces more than it sends", (bytes) => ({
    status: 200,
    headers: { "content-length": String(bytes.length) },
    body: bytes,
    cutAfterBytes: 1_000,
  }), "truncated"],
  ["falls silent", () => ({ status: 200, delayMs: 10_000_000 }), "timeout"],
  ["sends another part than was asked for", (bytes) => ({
    status: 206,
    headers: { "content-range": `bytes 5-14/${bytes.length}`, "content-length": "10" },
    body: bytes.slice(5, 15),
  }), "badResponse"],
  ["compresses what it sends", (bytes) => ({
    status: 200,
    headers: { "content-encoding": "gzip", "content-length": String(bytes.length) },
    body: bytes,
  }), "badResponse"],
];

for (const [what, answer, code] of READS) {
  Deno.test(`dav: a server that ${what} gets ${code}`, () =>
    withServer(async (paper) => {
      paper.server.intercept = ({ method }) => method === "GET" ? answer(WHOLE) : null;
      await assertFails(() => fetched(sourceOf(paper)), code, what);
    }));
}

/** A listing of files up to a gibibyte, on a real socket. */
async function withEndless(
  body: (directory: Directory, sentBytes: () => number) => Promise<void>,
): Promise<void> {
  const server = startAttacker(async ({ heard, write }) => {
    await heard();
    await write("HTTP/1.1 207 Multi-Status\r\ncontent-type: text/xml\r\n\r\n" + HEAD);
    for (let made = 0, sent = 0; sent < GIBIBYTE; made += 100) {
      const some = Array.from({ length: 100 }, (_, index) => response(`/data/${made + index}`));
      const bytes = new TextEncoder().encode(some.join(""));
      await write(bytes);
      sent += bytes.length;
    }
  });
  const env = realEnv();
  try {
    const uri = `dav://127.0.0.1:${server.port}/data/`;
    const directory = webdavProtocol().directory!(plainEndpoint(uri), { env });
    await body(directory, server.sentBytes);
  } finally {
    await server.close();
    env.close();
  }
}

Deno.test("dav: a listing without an end is handed on page by page, in little memory, and can be left", () =>
  withEndless(async (directory, sentBytes) => {
    const before = ownBytes();
    let pages = 0;
    for await (const { entries } of directory.list(NEVER)) {
      assert.ok(entries.length <= protocolLimits.listPageEntries);
      pages += 1;
      if (pages === PAGES) break;
    }
    assert.equal(pages, PAGES);
    assert.ok(ownBytes() - before < MOST_MEMORY_BYTES);
    assert.ok(sentBytes() < GIBIBYTE / 2, `the rest was not taken: ${sentBytes()}`);
  }));

Deno.test("dav: a signal ends a listing without an end", () =>
  withEndless(async (directory) => {
    const stop = new AbortController();
    const listing = async () => {
      for await (const _ of directory.list(stop.signal)) stop.abort();
    };
    await assertFails(listing, "aborted", "an aborted listing");
  }));

Deno.test("dav: sizes that are none are not believed, and the file itself tells another one", () =>
  withServer(async (paper) => {
    for (const told of ["-5", "9e9", "9".repeat(30), "0x10", "12 ", " ", "NaN"]) {
      const text = `${HEAD}${response("/data/")}${response("/data/f", told)}</D:multistatus>`;
      paper.server.intercept = ({ method }) => method === "PROPFIND" ? body(text) : null;
      for await (const { entries } of directoryOf(paper).list(NEVER)) {
        const [entry] = entries;
        const size = entry?.fingerprint.size ?? null;
        assert.ok(size === null || (told === "12 " && size === 12), `${told}: ${size}`);
      }
    }
    assert.equal((await fetched(sourceOf(paper))).length, WHOLE.length);
  }));
