import assert from "node:assert/strict";
import type { SinkPlace } from "../../../protocols/contract.ts";
import { FileSink } from "../../../protocols/file/sink.ts";
import { fileUriOf } from "../../../protocols/file/uri.ts";
import type { Disk, Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertFails, NEVER, patterned, sha256 } from "../../conformance/case.ts";
import { bytesOf, putFile } from "./harness.ts";

const OPTIONS = { name: "f", replace: true, mtimeMs: null, mode: null };

interface Place {
  readonly directory: string;
  readonly env: Env;
}

async function inDirectory(body: (place: Place) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  const env = realEnv();
  try {
    await Deno.mkdir(`${directory}/root/sub`, { recursive: true });
    await Deno.mkdir(`${directory}/outside`);
    await body({ directory, env });
  } finally {
    env.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function sinkAt(env: Env, path: string, endpoint: Partial<SinkPlace> = {}): FileSink {
  return new FileSink(
    { uri: fileUriOf(path), createDirectories: false, root: null, sync: true, ...endpoint },
    env,
  );
}

/** An Env whose disk calls run through `around`. */
function intercepted(
  env: Env,
  around: (call: string, args: readonly unknown[], go: () => Promise<unknown>) => Promise<unknown>,
): Env {
  const disk = new Proxy(env.disk, {
    get: (target, key: string) => (...args: unknown[]) =>
      around(key, args, () => Reflect.apply(Reflect.get(target, key), target, args)),
  });
  return { ...env, disk: disk as Disk };
}

async function listed(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(directory)) names.push(entry.name);
  return names.sort();
}

Deno.test("a destination beyond its root is refused before the disk is touched", () =>
  inDirectory(async ({ directory, env }) => {
    const root = `${directory}/root`;
    const paths = [
      `${root}/../f`,
      `${root}/sub/../../f`,
      `${directory}/outside/f`,
      `${root}inner/f`,
      "/etc/f",
      root,
    ];
    for (const path of paths) {
      await assertFails(() => sinkAt(env, path, { root }), "escapes", path);
    }
    for (const path of [`${root}/`, `${root}/a\nb`, `${root}/./f`, `${root}//f`]) {
      await assertFails(() => sinkAt(env, path, { root }), "nameRefused", path);
    }
  }));

Deno.test("a link below the root that leads out of it is refused for every act", () =>
  inDirectory(async ({ directory, env }) => {
    const root = `${directory}/root`;
    await Deno.symlink(`${directory}/outside`, `${root}/out`);
    await Deno.writeTextFile(`${directory}/outside/t`, "not ours");
    const sink = sinkAt(env, `${root}/out/f`, { root, createDirectories: true });
    await assertFails(() => sink.create("new", NEVER), "escapes", "create");
    await assertFails(() => sink.reopen("t", NEVER), "escapes", "reopen");
    await assertFails(() => sink.stat("t", NEVER), "escapes", "stat");
    await assertFails(() => sink.hash("t", NEVER), "escapes", "hash");
    await assertFails(() => sink.seize("t", "u"), "escapes", "seize");
    await assertFails(() => sink.abort("t"), "escapes", "abort");
    assert.deepEqual(await listed(`${directory}/outside`), ["t"]);
  }));

Deno.test("missing directories are not made through a link that leads out", () =>
  inDirectory(async ({ directory, env }) => {
    const root = `${directory}/root`;
    await Deno.symlink(`${directory}/outside`, `${root}/out`);
    const sink = sinkAt(env, `${root}/out/a/b/f`, { root, createDirectories: true });
    await assertFails(() => sink.create("t", NEVER), "escapes", "create");
    assert.deepEqual(await listed(`${directory}/outside`), []);
  }));

Deno.test("links inside the root, and in the declared root itself, are followed", () =>
  inDirectory(async ({ directory, env }) => {
    await Deno.symlink(`${directory}/root`, `${directory}/alias`);
    await Deno.symlink(`sub`, `${directory}/root/inner`);
    const root = `${directory}/alias`;
    const sink = sinkAt(env, `${root}/inner/deep/f`, { root, createDirectories: true });
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    await sink.publish(file, OPTIONS);
    assert.deepEqual(await bytesOf(env, `${directory}/root/sub/deep/f`), patterned(10));
  }));

for (const moment of ["realPath", "open"]) {
  Deno.test(`a link swapped in after ${moment} is found before a byte is written`, () =>
    inDirectory(async ({ directory, env }) => {
      const root = `${directory}/root`;
      let swapped = false;
      const swapping = intercepted(env, async (call, _args, go) => {
        const before = call === "open" && moment === "open";
        if (before && !swapped) {
          swapped = true;
          await Deno.rename(`${root}/sub`, `${root}/was`);
          await Deno.symlink(`${directory}/outside`, `${root}/sub`);
        }
        const result = await go();
        if (call === "realPath" && moment === "realPath" && !swapped) {
          swapped = true;
          await Deno.rename(`${root}/sub`, `${root}/was`);
          await Deno.symlink(`${directory}/outside`, `${root}/sub`);
        }
        return result;
      });
      const sink = sinkAt(swapping, `${root}/sub/f`, { root });
      await assertFails(() => sink.create("t", NEVER), "escapes", "create");
      assert.deepEqual(await listed(`${directory}/outside`), [], "and nothing is left behind");
    }));
}

Deno.test("a directory that was led out after writing is not published into", () =>
  inDirectory(async ({ directory, env }) => {
    const root = `${directory}/root`;
    const sink = sinkAt(env, `${root}/sub/f`, { root });
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    await Deno.rename(`${root}/sub`, `${directory}/outside/sub`);
    await Deno.symlink(`${directory}/outside/sub`, `${root}/sub`);
    await assertFails(() => sink.publish(file, OPTIONS), "escapes", "publish");
    assert.deepEqual(await listed(`${directory}/outside/sub`), ["t"]);
  }));

Deno.test("a link at a temporary name is neither followed nor replaced", () =>
  inDirectory(async ({ directory, env }) => {
    const target = `${directory}/outside/target`;
    await Deno.writeTextFile(target, "not ours");
    await Deno.symlink(target, `${directory}/root/t`);
    await Deno.symlink(`${directory}/outside/absent`, `${directory}/root/u`);
    const sink = sinkAt(env, `${directory}/root/f`);
    await assertFails(() => sink.create("t", NEVER), ["exists", "escapes"], "create");
    await assertFails(() => sink.create("u", NEVER), ["exists", "escapes"], "create");
    await assertFails(() => sink.reopen("t", NEVER), ["nameRefused", "escapes"], "reopen");
    assert.equal(await Deno.readTextFile(target), "not ours");
    assert.deepEqual(await listed(`${directory}/outside`), ["target"]);
  }));

Deno.test("a link that takes a temporary file's place while it is reopened is not followed", () =>
  inDirectory(async ({ directory, env }) => {
    const [target, temp] = [`${directory}/outside/target`, `${directory}/root/t`];
    await Deno.writeTextFile(target, "not ours");
    for (const swap of [() => Deno.symlink(target, temp), () => Deno.link(target, temp)]) {
      await putFile(env, temp, patterned(10));
      const swapping = intercepted(env, async (call, _args, go) => {
        if (call === "open") {
          await Deno.remove(temp);
          await swap();
        }
        return await go();
      });
      const sink = sinkAt(swapping, `${directory}/root/f`);
      await assertFails(() => sink.reopen("t", NEVER), "escapes", "reopen");
    }
    assert.equal(await Deno.readTextFile(target), "not ours");
  }));

Deno.test("a link at the final name is replaced, and what it points to stays", () =>
  inDirectory(async ({ directory, env }) => {
    const target = `${directory}/outside/target`;
    await Deno.writeTextFile(target, "not ours");
    await Deno.symlink(target, `${directory}/root/f`);
    const sink = sinkAt(env, `${directory}/root/f`);
    assert.equal(await sink.hash("f", NEVER), null);
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    await sink.publish(file, OPTIONS);
    assert.equal(await Deno.readTextFile(target), "not ours");
    assert.ok((await Deno.lstat(`${directory}/root/f`)).isFile);
  }));

Deno.test("a directory or a device at the final or temporary name is refused", () =>
  inDirectory(async ({ directory, env }) => {
    const sink = sinkAt(env, `${directory}/root/sub`);
    await assertFails(() => sink.stat("sub", NEVER), "nameRefused", "stat");
    await assertFails(() => sink.reopen("sub", NEVER), "nameRefused", "reopen");
    const file = await sink.create("t", NEVER);
    const options = { ...OPTIONS, name: "sub" };
    await assertFails(() => sink.publish(file, options), ["nameRefused", "exists"], "publish");
    const made = await new Deno.Command("mkfifo", { args: [`${directory}/root/fifo`] }).output();
    assert.ok(made.success);
    await assertFails(() => sink.reopen("fifo", NEVER), "nameRefused", "a FIFO");
  }));

Deno.test("a file is its writer's alone until it is published", () =>
  inDirectory(async ({ directory, env }) => {
    const sink = sinkAt(env, `${directory}/root/f`);
    const file = await sink.create("t", NEVER);
    assert.equal((await env.disk.stat(`${directory}/root/t`))?.mode, 0o600);
    await sink.publish(file, OPTIONS);
    assert.equal((await env.disk.stat(`${directory}/root/f`))?.mode, 0o644);
    const private_ = await sink.create("t", NEVER);
    await sink.publish(private_, { ...OPTIONS, mode: 0o4755 });
    assert.equal((await env.disk.stat(`${directory}/root/f`))?.mode, 0o755, "never set-user-id");
  }));

Deno.test("another file in the temporary one's place is not published", () =>
  inDirectory(async ({ directory, env }) => {
    const sink = sinkAt(env, `${directory}/root/f`);
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    await putFile(env, `${directory}/root/t`, patterned(20, 2));
    await assertFails(() => sink.publish(file, OPTIONS), "notFound", "publish");
    assert.deepEqual(await listed(`${directory}/root`), ["sub", "t"]);
  }));

async function journalOf(sync: boolean, place: Place, replace: boolean): Promise<string[]> {
  const journal: string[] = [];
  const note = (call: string) => {
    if (/sync|rename|link|setM|write/i.test(call)) journal.push(call);
  };
  const watched = intercepted(place.env, async (call, args, go) => {
    const path = String(args[0]);
    // Where the place itself is named, and above, is of no interest here.
    const outside = call === "syncDirectory" && !path.startsWith(`${place.directory}/`);
    if (!outside) note(call === "syncDirectory" ? `${call} ${path.split("/").at(-1)}` : call);
    const result = await go();
    if (call !== "open") return result;
    return new Proxy(result as object, {
      get: (target, key: string) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...inner: unknown[]) => {
          note(`file.${key}`);
          return Reflect.apply(member, target, inner);
        };
      },
    });
  });
  const options = { sync, createDirectories: true };
  const sink = sinkAt(watched, `${place.directory}/root/new/f`, options);
  const file = await sink.create("t", NEVER);
  await file.write(patterned(10), 0);
  await file.sync();
  await file.sync();
  await sink.publish(file, { ...OPTIONS, replace, mtimeMs: 1_000, mode: 0o600 });
  return journal;
}

Deno.test("data, mode and time are durable before the final name, and the name after", () =>
  inDirectory(async (place) => {
    assert.deepEqual(await journalOf(true, place, true), [
      "syncDirectory root",
      "file.write",
      "file.syncData",
      "syncDirectory new",
      "file.syncData",
      "file.setMode",
      "file.setMtime",
      "file.sync",
      // The names on the way, once per process: whoever made them may have died before it synced them.
      "syncDirectory root",
      "rename",
      "syncDirectory new",
    ]);
  }));

Deno.test("without durability nothing is synced", () =>
  inDirectory(async (place) => {
    const journal = await journalOf(false, place, false);
    assert.deepEqual(journal.filter((call) => /sync/i.test(call)), []);
  }));

Deno.test("a publish without replacing that was cut after its first step is found and finished", () =>
  inDirectory(async ({ directory, env }) => {
    const bytes = patterned(100);
    const cut = intercepted(env, (call, _args, go) => {
      return call === "remove" ? Promise.reject(new Error("the power is gone")) : go();
    });
    const file = await sinkAt(cut, `${directory}/root/f`).create("t", NEVER);
    await file.write(bytes, 0);
    await assert.rejects(
      sinkAt(cut, `${directory}/root/f`).publish(file, { ...OPTIONS, replace: false }),
    );
    assert.deepEqual(await listed(`${directory}/root`), ["f", "sub", "t"]);
    const sink = sinkAt(env, `${directory}/root/f`);
    const expected = { name: "f", size: 100, sha256: sha256(bytes), fileId: file.fileId };
    assert.equal(await sink.seize("t", "s"), true);
    assert.equal(await sink.probe("s", expected), "published");
    assert.equal(await sink.probe("s", expected), "published");
    assert.deepEqual(await listed(`${directory}/root`), ["f", "sub"]);
  }));

Deno.test("what fails after the final name exists is not definite", () =>
  inDirectory(async ({ directory, env }) => {
    const { DiskError } = await import("../../../runtime/env/errors.ts");
    let renamed = false;
    const failing = intercepted(env, (call, _args, go) => {
      renamed ||= call === "rename";
      if (!renamed || call !== "syncDirectory") return go();
      return Promise.reject(new DiskError("io", "cannot sync the directory: the device failed"));
    });
    const sink = sinkAt(failing, `${directory}/root/f`);
    const file = await sink.create("t", NEVER);
    const error = await assertFails(() => sink.publish(file, OPTIONS), "io", "publish");
    assert.equal(error.definite, false);
    assert.notEqual(await bytesOf(env, `${directory}/root/f`), null);
  }));
