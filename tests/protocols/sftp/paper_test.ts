/** Servers of every kind, in memory: the suite, and what hostile ones get. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { TYPE } from "../../../protocols/sftp/packets.ts";
import {
  assertBytes,
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
} from "../../conformance/case.ts";
import { conformance } from "../../conformance/suite.ts";
import { AUTH, paperHarness, paperSource } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_server.ts";

const POSIX_RENAME = "posix-rename@openssh.com";
const extensions = [POSIX_RENAME, "copy-data"];

conformance("sftp in memory", () => Promise.resolve(paperHarness({ extensions })));
conformance(
  "sftp in memory, short reads",
  () => Promise.resolve(paperHarness({ extensions, readBytes: 1_000 })),
);

Deno.test("a server without copy-data says so before anything is copied", () =>
  withServer({ extensions: [POSIX_RENAME] }, async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "final.bin");
    const source = paperSource(harness, "f");
    const { fingerprint: expected } = await source.stat(NEVER);
    const copy = sink.serverCopy!({ ...plainEndpoint("sftp://paper/data/f"), auth: AUTH });
    assert.ok("copy" in copy);
    const file = await sink.create("t.part", NEVER);
    const order = { expected, size: WHOLE.length, from: 0, signal: NEVER, copied: () => {} };
    const error = await assertFails(() => copy.copy(file, order), "unsupported", "no extension");
    assert.ok(error.definite);
    assert.equal(await file.size(), 0);
    await file.close();
  }));

const WHOLE = patterned(200_000);

async function withServer(
  quirks: PaperQuirks,
  body: (harness: ReturnType<typeof paperHarness>) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  harness.server.put("/data/f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

const HOSTILE: readonly [string, PaperQuirks, ProtocolErrorCode][] = [
  ["speaks version 2", { version: 2 }, "unsupported"],
  ["falls silent at once", { silentAfter: 0 }, "timeout"],
  ["falls silent in the middle", { silentAfter: 5 }, "timeout"],
  ["sends more than was asked for", {
    forge: (type, answer) => type === TYPE.data ? longer(answer) : answer,
  }, "badResponse"],
  ["sends packets that end early", {
    forge: (type, answer) => type === TYPE.attrs ? answer.slice(0, 9) : answer,
  }, "badResponse"],
  ["answers what was not asked", {
    forge: (type, answer) =>
      type === TYPE.handle ? Uint8Array.of(type, 9, 9, 9, 9, 0, 0, 0, 0) : answer,
  }, "badResponse"],
  ["sends unknown packets", {
    forge: (type, answer) => type === TYPE.data ? Uint8Array.of(77, ...answer.slice(1)) : answer,
  }, "badResponse"],
  ["claims a size beyond all numbers", {
    forge: (type, answer) => type === TYPE.attrs ? huge(answer) : answer,
  }, "badResponse"],
];

for (const [what, quirks, code] of HOSTILE) {
  Deno.test(`sftp: a server that ${what} gets ${code}`, () =>
    withServer(quirks, async (harness) => {
      const source = paperSource(harness, "f");
      await assertFails(() => fetched(source), code, what);
      await source.close();
    }));
}

Deno.test("sftp: a server that hangs up fails what was asked, and the next session serves", () =>
  withServer({ endsAfter: 6 }, async (harness) => {
    const source = paperSource(harness, "f");
    await assert.rejects(fetched(source), /it hung up/);
    await source.close();
  }));

Deno.test("sftp: a file that shrinks while it is read is truncated, never complete", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f");
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    harness.server.put("/data/f", WHOLE.slice(0, 50_000));
    const read = async () => {
      while (await reader.read(new Uint8Array(65_536)) > 0);
    };
    await assertFails(read, "truncated", "a shorter file");
    await reader.close();
    await source.close();
  }));

Deno.test("sftp: short answers are asked for again, and bytes stay in order", () =>
  withServer({ readBytes: 777 }, async (harness) => {
    const source = paperSource(harness, "f");
    assertBytes(await fetched(source), WHOLE, "a file in short answers");
    await source.close();
  }));

Deno.test("sftp: memory that its owner takes back after a write does not stop the next ones", () =>
  withServer({}, async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "big");
    const file = await sink.create("t.part", NEVER);
    const piece = patterned(1_048_576);
    for (let index = 0; index < 6; index += 1) {
      const bytes = piece.slice();
      await file.write(bytes, index * piece.length);
      bytes.buffer.transfer();
    }
    await sink.publish(file, { name: "big", replace: false, mtimeMs: null, mode: null });
    const written = harness.server.files.get("/data/big")!.bytes;
    assert.equal(written.length, 6 * piece.length);
    assertBytes(written.slice(-piece.length), piece, "the last piece");
    await sink.close();
  }));

Deno.test("sftp: names of a hostile listing are shown and not passed on", () =>
  withServer({}, async (harness) => {
    for (const name of ["ok", "new\nline", "..", "x".repeat(300)]) {
      harness.server.files.set(`/data/${name}`, { bytes: WHOLE, mtime: 1, mode: 0o100_644 });
    }
    const directory = harness.protocol.directory!({
      ...harness.directory!.endpoint!,
      uri: "sftp://paper/data/",
      headers: {},
      tls: null,
      responseTimeoutMs: null,
      idleTimeoutMs: null,
      options: {},
      auth: harness.directory!.endpoint!.auth!,
    }, harness.context);
    for await (const { entries, refused } of directory.list(NEVER)) {
      assert.deepEqual(entries.map(({ name }) => name).sort(), ["f", "ok"]);
      assert.equal(refused.length, 2);
      assert.ok(refused.every((shown) => !shown.includes("\n")));
    }
    await directory.close();
  }));

function longer(answer: Uint8Array): Uint8Array {
  const forged = new Uint8Array(answer.length + 70_000);
  forged.set(answer);
  const view = new DataView(forged.buffer);
  view.setUint32(5, view.getUint32(5) + 70_000);
  return forged;
}

function huge(answer: Uint8Array): Uint8Array {
  return answer.slice().fill(0xff, 9, 17);
}
