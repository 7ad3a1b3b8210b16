/** Reading through a library, on paper and on virtual time: hangs, reach, links, odd names. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { protocolLimits } from "../../../protocols/limits.ts";
import { nfsProtocol } from "../../../protocols/nfs/protocol.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import type { Reach } from "../../../protocols/contract.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { assertFails, failure, NEVER } from "../../conformance/case.ts";
import { PaperLibrary } from "./paper_library.ts";

const LIBRARY = "/usr/lib/libnfs.so.13";
const EXPORTS = [{ uri: "nfs://server/export", library: LIBRARY }];

function opened(reach?: Reach) {
  const env = simulatedEnv({ seed: 7 });
  const library = new PaperLibrary();
  library.files.set("/export/f", new Uint8Array([1, 2, 3]));
  const protocol = nfsProtocol({
    ...{ mounts: [{ uri: "nfs://server/export/mounted", path: "/mnt/x", fstype: null }] },
    ...{ files: null, reading: { exports: EXPORTS, library } },
  });
  const context = reach === undefined ? { env } : { env, reach };
  const source = (path: string, options = {}) =>
    protocol.source!({ ...plainEndpoint(`nfs://server${path}`), options }, context);
  const run = (body: () => Promise<void>) =>
    env.world.complete(body().finally(() => protocol.close!()));
  return { library, protocol, source, context, run };
}

Deno.test("nfs: what is below a mount is read by the mount, what is not by the library", () => {
  const { library, source, run } = opened();
  return run(async () => {
    assert.equal((await source("/export/f").stat(NEVER)).fingerprint.size, 3);
    assert.equal(library.connected.length, 1);
    await failure(() => source("/export/mounted/f").stat(NEVER), "nothing is mounted there");
    assert.equal(library.connected.length, 1);
    assert.throws(() => source("/other/f"), { code: "badEndpoint" });
  });
});

Deno.test("nfs: a library is told the address that was judged, and nothing where it was refused", async () => {
  const asked: string[] = [];
  const reach: Reach = {
    check: (uri) => void asked.push(uri),
    addressFor: (host, port) => {
      asked.push(`${host}:${port}`);
      return Promise.resolve("192.0.2.7");
    },
    checkHost: () => {},
  };
  const open = opened(reach);
  await open.run(async () => void await open.source("/export/f").stat(NEVER));
  assert.deepEqual(asked, ["nfs://server/export/f", "server:2049"]);
  assert.deepEqual(open.library.connected, [{ address: "192.0.2.7", port: 2_049 }]);
  const refusal = new ProtocolError("forbidden", "cannot use that host: it is not allowed");
  const closed = opened({ ...reach, addressFor: () => Promise.reject(refusal) });
  await closed.run(async () => {
    await assertFails(() => closed.source("/export/f").stat(NEVER), "forbidden", "refused");
  });
  assert.deepEqual(closed.library.connected, []);
});

Deno.test("nfs: a call that hangs is given up, its connection is shut, and the next one has another", () => {
  const { library, source, run } = opened();
  return run(async () => {
    const one = source("/export/f");
    const reader = await one.open({ start: 0, end: null }, null, NEVER);
    library.isHung = true;
    const error = await assertFails(
      () => reader.read(new Uint8Array(3)),
      "timeout",
      "a hung server",
    );
    assert.ok(error.retryable);
    assert.equal(library.interrupted, 1);
    library.isHung = false;
    await reader.close();
    const again = await one.open({ start: 1, end: null }, reader.facts.fingerprint, NEVER);
    const into = new Uint8Array(3);
    assert.equal(await again.read(into), 2);
    assert.deepEqual([...into], [2, 3, 0], "what came too late is in nobody's buffer");
    await again.close();
    assert.equal(library.connected.length, 2);
  });
});

Deno.test("nfs: several ranges at once have connections of their own, up to the limit", () => {
  const { library, source, run } = opened();
  return run(async () => {
    const open = () => source("/export/f").open({ start: 0, end: null }, null, NEVER);
    const readers = [];
    for (let count = 0; count < 10; count++) readers.push(await open());
    assert.equal(library.connected.length, protocolLimits.nfsConnectionsMax);
    for (const reader of readers) assert.equal(await reader.read(new Uint8Array(3)), 3);
    for (const reader of readers) await reader.close();
  });
});

Deno.test("nfs: through a library nothing is written, removed or renamed", () => {
  const { protocol, context, run } = opened();
  return run(async () => {
    const at = plainEndpoint("nfs://server/export/f");
    const sink = { ...at, createDirectories: false, root: null, sync: true };
    assert.throws(() => protocol.sink!(sink, context), { code: "unsupported" });
    const directory = protocol.directory!(plainEndpoint("nfs://server/export/"), context);
    for (const act of ["remove", "rename", "makeDirectory"] as const) {
      const call = () => (directory[act] as (name: string) => Promise<unknown>)("f");
      await assertFails(call, "unsupported", act);
    }
    assert.deepEqual(Object.values(directory.capabilities).filter(Boolean), [true]);
  });
});

Deno.test("nfs: names that lead elsewhere are refused in a listing, those that lost bytes too", () => {
  const { library, protocol, context, run } = opened();
  return run(async () => {
    for (const name of ["../up", "a/b", "", "a\0b", "x\ufffd"]) library.listed.push(name);
    const directory = protocol.directory!(plainEndpoint("nfs://server/export/"), context);
    for await (const { entries, refused } of directory.list(NEVER)) {
      assert.deepEqual(entries.map(({ name }) => name), ["f"]);
      assert.equal(refused.length, 5);
    }
  });
});

Deno.test("nfs: only an absolute path of a libnfs.so.13 is loaded, and demands of mounts are refused", () => {
  const { source } = opened();
  const library = new PaperLibrary();
  for (const path of ["libnfs.so.13", "/lib/libc.so.6", "/a/../libnfs.so.13", "/x/libnfs.so.14"]) {
    const reading = { exports: [{ uri: "nfs://h/e", library: path }], library };
    assert.throws(() => nfsProtocol({ mounts: [], files: null, reading }), {
      code: "badEndpoint",
    }, path);
  }
  for (
    const options of [{ nfsVersion: "3" }, { nfsVersion: "4.2" }, { rsize: 4_096 }, { tcp: false }]
  ) {
    assert.throws(() => source("/export/f", options), { code: "badEndpoint" });
  }
  source("/export/f", { nfsVersion: "4.0", tcp: true });
});
