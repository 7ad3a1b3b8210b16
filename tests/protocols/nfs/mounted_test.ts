/** Mounts that hang, go away, or are not what they should be, on a simulated disk. */

import assert from "node:assert/strict";
import type { Disk } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { NEVER, patterned } from "../../conformance/case.ts";
import { at, mountHarness, mountLine, setMounts } from "./harness.ts";

const PUBLISH = { name: "f", replace: true, mtimeMs: null, mode: null };

/** A disk whose calls, once told so, hang or fail. */
function ailing(disk: Disk) {
  const state = { hangs: false, stale: false, made: 0, free: [] as (() => void)[] };
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    state.made += 1;
    if (state.hangs) await new Promise<void>((resolve) => state.free.push(resolve));
    if (state.stale) {
      throw new DiskError("io", "the handle is stale", { details: { errno: "ESTALE" } });
    }
    return await call();
  };
  const files: Disk = {
    open: (path, options) =>
      through(async () => {
        const file = await disk.open(path, options);
        return {
          read: (into, position) => through(() => file.read(into, position)),
          write: (bytes, position) => through(() => file.write(bytes, position)),
          stat: () => through(() => file.stat()),
          truncate: (size) => through(() => file.truncate(size)),
          syncData: () => through(() => file.syncData()),
          sync: () => through(() => file.sync()),
          setMode: (mode) => through(() => file.setMode(mode)),
          setMtime: (mtimeMs) => through(() => file.setMtime(mtimeMs)),
          close: () => through(() => file.close()),
        };
      }),
    stat: (path) => through(() => disk.stat(path)),
    lstat: (path) => through(() => disk.lstat(path)),
    realPath: (path) => through(() => disk.realPath(path)),
    rename: (from, to) => through(() => disk.rename(from, to)),
    link: (from, to) => through(() => disk.link(from, to)),
    remove: (path) => through(() => disk.remove(path)),
    makeDirectory: (path, options) => through(() => disk.makeDirectory(path, options)),
    readDirectory: (path) => through(() => disk.readDirectory(path)),
    syncDirectory: (path) => through(() => disk.syncDirectory(path)),
    tryLock: (path) => through(() => disk.tryLock(path)),
  };
  return { files, state };
}

async function mounted(
  body: (
    world: ReturnType<typeof mountHarness> & {
      readonly env: SimulatedEnv;
      readonly state: ReturnType<typeof ailing>["state"];
      /** Later than any proof is believed. */
      readonly later: () => Promise<void>;
    },
  ) => Promise<void>,
): Promise<void> {
  const env = simulatedEnv({ seed: 11 });
  const { files, state } = ailing(env.disk);
  await env.world.complete((async () => {
    await env.disk.makeDirectory("/mnt/x", { recursive: true });
    await setMounts(env, mountLine("/mnt/x"));
    const later = () => new Promise<void>((resolve) => void env.timers.after(5_000, resolve));
    await body({ ...mountHarness(env, "/mnt/x", { files }), env, state, later });
  })());
}

Deno.test("nfs: nothing is written where the mount has gone: the local disk stays empty", () =>
  mounted(async ({ protocol, context, env, later }) => {
    const sink = protocol.sink!({ ...at("new/f"), createDirectories: true }, context);
    await setMounts(env);
    await assert.rejects(sink.create("t.part", NEVER), {
      code: "unreachable",
      message: /type ext4: the mount has gone/,
    });
    assert.deepEqual(await env.disk.readDirectory("/mnt/x"), []);
    await setMounts(env, mountLine("/mnt/x"));
    await later();
    const file = await sink.create("t.part", NEVER);
    await file.close();
  }));

Deno.test("nfs: a mount that goes between the proof and the opening leaves no file behind", () =>
  mounted(async ({ protocol, context, env }) => {
    const sink = protocol.sink!(at("f"), context);
    assert.equal(await sink.stat("f", NEVER), null);
    // The proof of a moment ago is of a file system whose files are no longer there.
    await setMounts(env, mountLine("/mnt/x", { dev: "0:77" }));
    const other = protocol.sink!(at("f"), context);
    await assert.rejects(async () => {
      await new Promise<void>((resolve) => void env.timers.after(2_000, resolve));
      await other.create("t.part", NEVER);
    }, { code: "unreachable", message: /on another file system/ });
    assert.deepEqual(await env.disk.readDirectory("/mnt/x"), []);
  }));

Deno.test("nfs: a mount of another server, or not as it is wanted, is not used", () =>
  mounted(async ({ protocol, context, env, later }) => {
    const wanted = protocol.source!(at("f", { nfsVersion: "3" }), context);
    await assert.rejects(wanted.stat(NEVER), {
      code: "unsupported",
      message: /nfsVersion 3 is wanted, and it is 4\.2/,
    });
    await setMounts(env, mountLine("/mnt/x", { source: "evil:/export" }));
    await later();
    const source = protocol.source!(at("f"), context);
    await assert.rejects(source.stat(NEVER), { code: "unreachable", message: /server evil/ });
  }));

Deno.test("nfs: a mount that hangs fails its callers in time, then at once, and comes back", () =>
  mounted(async ({ protocol, context, env, state, source }) => {
    await source!.put("f", patterned(10));
    const open = () => protocol.source!(at("f"), context);
    state.hangs = true;
    const begun = env.clock.monotonic();
    const codes = await Promise.all(
      [1, 2, 3, 4].map(() => open().stat(NEVER).catch((e) => e.code)),
    );
    assert.deepEqual(codes, ["timeout", "timeout", "timeout", "timeout"]);
    assert.ok(env.clock.monotonic() - begun < 40_000);
    const { made } = state;
    const atOnce = env.clock.monotonic();
    for (let n = 0; n < 100; n++) {
      await assert.rejects(open().stat(NEVER), { code: "unreachable" });
    }
    assert.equal(state.made, made, "no further call holds a thread");
    assert.ok(env.clock.monotonic() - atOnce < 1_000);
    state.hangs = false;
    for (const free of state.free) free();
    await new Promise<void>((resolve) => env.timers.soon(resolve));
    assert.equal((await open().stat(NEVER)).fingerprint.size, 10);
  }));

Deno.test("nfs: stale handles are typed, and one of the mount itself says to mount it again", () =>
  mounted(async ({ protocol, context, state, source, later }) => {
    await source!.put("f", patterned(100_000));
    const reader = await protocol.source!(at("f"), context).open(
      { start: 0, end: null },
      null,
      NEVER,
    );
    await reader.read(new Uint8Array(1_000));
    state.stale = true;
    await assert.rejects(reader.read(new Uint8Array(1_000)), { code: "io", retryable: true });
    await later();
    await assert.rejects(protocol.source!(at("f"), context).stat(NEVER), {
      code: "unreachable",
      message: /stale.*mount it again/,
    });
    state.stale = false;
    await reader.close();
  }));

Deno.test("nfs: links that lead off the mount are not followed, wherever they are", () =>
  mounted(async ({ protocol, context, env, source }) => {
    await env.disk.makeDirectory("/etc");
    const secret = await env.disk.open("/etc/secret", { write: true, create: true });
    await secret.close();
    await source!.put("inside", patterned(5));
    env.machine.symlink("/etc", "/mnt/x/out");
    env.machine.symlink("/etc/secret", "/mnt/x/file");
    env.machine.symlink("inside", "/mnt/x/alias");
    for (const name of ["out/secret", "file"]) {
      const opened = protocol.source!(at(name), context);
      await assert.rejects(opened.stat(NEVER), { code: "escapes" }, name);
    }
    assert.equal((await protocol.source!(at("alias"), context).stat(NEVER)).fingerprint.size, 5);
    const sink = protocol.sink!(at("out/new"), context);
    await assert.rejects(sink.create("t.part", NEVER), { code: "escapes" });
    const directory = protocol.directory!(at("out/"), context);
    await assert.rejects(directory.remove("secret", null, NEVER), { code: "escapes" });
    const own = protocol.directory!(at(""), context);
    const move = { replace: true, createDirectories: true, expected: null };
    const target = "nfs://server/export/out/moved";
    await assert.rejects(own.rename("inside", target, move, NEVER), { code: "escapes" });
    assert.deepEqual((await env.disk.readDirectory("/etc")).map(({ name }) => name), ["secret"]);
  }));

Deno.test("nfs: a file that is moved away from its writer is not published", () =>
  mounted(async ({ protocol, context }) => {
    const [stale, fresh] = [protocol.sink!(at("f"), context), protocol.sink!(at("f"), context)];
    const file = await stale.create("t.part", NEVER);
    assert.equal(await fresh.seize("t.part", "t.seized"), true);
    await assert.rejects(stale.publish(file, PUBLISH), { code: "notFound" });
  }));

Deno.test("nfs: what is not mounted here, and what no mount can do, is refused by name", () =>
  mounted(async ({ protocol, context }) => {
    const refused = (uri: string, more = {}) =>
      assert.throws(() => protocol.source!({ ...at("f"), uri, ...more }, context), {
        code: "badEndpoint",
      }, uri);
    await Promise.resolve();
    for (
      const uri of [
        "nfs://other/export/f",
        "nfs://server/exported/f",
        "nfs://me@server/export/f",
        "nfs://server:1/export/f",
        "nfs://server/export/%2e%2e%2ff",
      ]
    ) refused(uri);
    const uri = "nfs://server/export/f";
    refused(uri, { options: { hard: true } });
    refused(uri, { options: { nfsVersion: "2" } });
    refused(uri, { options: { rsize: "big" } });
    refused(uri, { auth: { type: "basic", username: "u", password: "p" } });
    refused(uri, { headers: { a: "b" } });
    assert.throws(() => protocol.source!({ ...at("a/../../f") }, context), { code: "escapes" });
  }));
