/** Pieces with their checksum, and what was kept of an upload whose source has changed since. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Sink } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import type { SimHandler } from "../../../runtime/sim/hosts.ts";
import { wholeOf } from "../../../runtime/sim/http_server.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";

const LARGE = 20_000_003;

/** One upload of a server that checks SHA-256; `damage` says which of its pieces arrive damaged. */
class ChecksumServer {
  bytes = new Uint8Array();
  length: string | null = null;
  refused = 0;
  damage: (piece: number) => boolean = () => false;
  #pieces = 0;

  readonly handle: SimHandler = async ({ method, headers, body }) => {
    const facts = { "upload-offset": String(this.bytes.length) };
    switch (method) {
      case "OPTIONS":
        return {
          status: 204,
          headers: {
            "tus-version": "0.2.2, 1.0.0",
            "tus-extension": "creation,checksum,termination",
            "tus-checksum-algorithm": "md5,sha256",
          },
        };
      case "POST":
        this.length = headers["upload-length"] ?? null;
        return { status: 201, headers: { location: "/files/one" } };
      case "HEAD":
        return { status: 200, headers: { ...facts, "upload-length": this.length ?? "" } };
      case "PATCH":
        return await this.#patch(headers, await wholeOf(body!));
      default:
        return { status: 204 };
    }
  };

  #patch(headers: Readonly<Record<string, string>>, piece: Uint8Array) {
    assert.equal(headers["upload-offset"], String(this.bytes.length));
    if (this.damage(this.#pieces++)) {
      piece = piece.slice();
      piece[0]! ^= 1;
    }
    const seen = createHash("sha256").update(piece).digest("base64");
    if (headers["upload-checksum"] !== `sha256 ${seen}`) {
      this.refused += 1;
      return { status: 460 };
    }
    const longer = new Uint8Array(this.bytes.length + piece.length);
    longer.set(this.bytes);
    longer.set(piece, this.bytes.length);
    this.bytes = longer;
    return { status: 204, headers: { "upload-offset": String(longer.length) } };
  }
}

function checksumTest(
  name: string,
  body: (server: ChecksumServer, sink: () => Sink) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const world = new World(5);
    const env = simulatedEnv({ seed: 5, world, name: "client" });
    const server = new ChecksumServer();
    world.serve("tus", server.handle);
    const protocol = httpProtocol();
    const sink = () =>
      protocol.sink!({
        ...plainEndpoint("http://tus/files"),
        ...{ createDirectories: false, root: null, sync: true },
        options: { upload: "tus", name: "a.bin" },
      }, { env });
    await world.complete(body(server, sink));
  });
}

const PUBLISH = { name: "a.bin", replace: false, mtimeMs: null, mode: null };

checksumTest("a piece that arrives damaged is sent again", async (server, open) => {
  server.damage = (piece) => piece === 1 || piece === 3;
  const bytes = patterned(LARGE);
  const sink = open();
  const file = await sink.create("t", NEVER, LARGE);
  for (let at = 0; at < LARGE; at += 1_000_000) {
    await file.write(bytes.subarray(at, at + 1_000_000), at);
  }
  await sink.publish(file, PUBLISH);
  assertBytes(server.bytes, bytes, "the upload");
  assert.equal(server.refused, 2);
});

checksumTest(
  "a way that damages every piece is given up, with nothing published",
  async (server, open) => {
    server.damage = () => true;
    const sink = open();
    const file = await sink.create("t", NEVER, 10);
    await file.write(patterned(10), 0);
    await assertFails(() => sink.publish(file, PUBLISH), "badResponse", "publish");
    assert.equal(server.refused, 6);
    assert.equal(server.bytes.length, 0);
  },
);

checksumTest("bytes kept are compared with what was sent, piece by piece", async (server, open) => {
  const bytes = patterned(LARGE);
  const first = open();
  const begun = await first.create("t", NEVER, LARGE);
  await Promise.all([
    begun.write(bytes.subarray(0, 5_000_000), 0),
    begun.sync(),
    begun.write(bytes.subarray(5_000_000, 12_000_000), 5_000_000),
    begun.sync(),
  ]);
  await first.close();
  // The last piece came in part only.
  server.bytes = server.bytes.slice(0, 9_000_000);
  for (const changed of [true, false]) {
    const later = open();
    const file = (await later.reopen("t", NEVER))!;
    assert.equal(await file.size(), 5_000_000, "where a piece ends");
    const source = bytes.slice();
    if (changed) source[6_000_000]! ^= 1;
    const rest = async () => {
      for (let at = 5_000_000; at < LARGE; at += 1_000_000) {
        await file.write(source.subarray(at, at + 1_000_000), at);
      }
      await later.publish(file, PUBLISH);
    };
    if (changed) await assertFails(rest, "changed", "another source");
    else await rest();
    await later.close();
  }
  assertBytes(server.bytes, bytes, "the upload");
});
