/** What every disk does; the real and the simulated one both run it. */

import assert from "node:assert/strict";
import type { Disk, DiskErrorCode, DiskFile } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import { type Side, type Subject, suiteTest } from "./subject.ts";

const text = (value: string) => new TextEncoder().encode(value);

async function fails(code: DiskErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

async function create(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, { write: true, create: true, truncate: true });
  await file.write(text(content), 0);
  await file.close();
}

async function content(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, { read: true });
  const bytes = await wholeOf(file);
  await file.close();
  return new TextDecoder().decode(bytes);
}

async function wholeOf(file: DiskFile): Promise<Uint8Array> {
  const bytes = new Uint8Array((await file.stat()).size);
  let position = 0;
  while (position < bytes.length) {
    const count = await file.read(bytes.subarray(position), position);
    if (count === 0) break;
    position += count;
  }
  return bytes.subarray(0, position);
}

/** Registers the suite for one side. */
export function diskSuite(side: Side): void {
  contents(side);
  handles(side);
  names(side);
  directories(side);
  links(side);
  errors(side);
}

function contents(side: Side): void {
  suiteTest(
    side,
    "a file gives back what was written at each position",
    async ({ env, directory }) => {
      const file = await env.disk.open(`${directory}/a`, { read: true, write: true, create: true });
      await file.write(text("world"), 6);
      await file.write(text("hello "), 0);
      assert.equal(new TextDecoder().decode(await wholeOf(file)), "hello world");
      assert.equal(await file.read(new Uint8Array(4), 11), 0);
      const part = new Uint8Array(5);
      assert.equal(await file.read(part, 6), 5);
      assert.equal(new TextDecoder().decode(part), "world");
      await file.close();
    },
  );

  suiteTest(side, "a gap that was never written reads as zeros", async ({ env, directory }) => {
    const file = await env.disk.open(`${directory}/a`, { read: true, write: true, create: true });
    await file.write(text("x"), 10_000);
    const bytes = await wholeOf(file);
    assert.equal(bytes.length, 10_001);
    assert.ok(bytes.subarray(0, 10_000).every((byte) => byte === 0));
    await file.close();
  });

  suiteTest(
    side,
    "large buffers of shared memory are written and read",
    async ({ env, directory }) => {
      const [out, back] = [new Uint8Array(300_000), new Uint8Array(300_000)];
      for (let index = 0; index < out.length; index += 1) out[index] = index % 251;
      const file = await env.disk.open(`${directory}/a`, { read: true, write: true, create: true });
      await file.write(out, 5);
      let position = 0;
      while (position < back.length) {
        position += await file.read(back.subarray(position), 5 + position);
      }
      assert.deepEqual([...back], [...out]);
      await file.close();
    },
  );
}

function handles(side: Side): void {
  suiteTest(side, "truncate cuts and extends with zeros", async ({ env, directory }) => {
    const file = await env.disk.open(`${directory}/a`, { read: true, write: true, create: true });
    await file.write(text("abcdef"), 0);
    await file.truncate(2);
    await file.truncate(4);
    assert.deepEqual([...await wholeOf(file)], [97, 98, 0, 0]);
    await file.syncData();
    await file.sync();
    await file.close();
  });

  suiteTest(
    side,
    "mode and modification time are set on the open file",
    async ({ env, directory }) => {
      const path = `${directory}/a`;
      const file = await env.disk.open(path, { write: true, create: true, mode: 0o600 });
      assert.equal((await file.stat()).mode, 0o600);
      await file.setMode(0o640);
      await file.setMtime(1_700_000_000_123);
      const info = await env.disk.stat(path);
      assert.equal(info?.mode, 0o640);
      assert.equal(info?.mtimeMs, 1_700_000_000_123);
      assert.deepEqual(await file.stat(), info);
      await file.close();
    },
  );

  suiteTest(
    side,
    "createNew, truncate and open without create keep their word",
    async ({ env, directory }) => {
      const path = `${directory}/a`;
      await fails("notFound", env.disk.open(path, { write: true }));
      await create(env.disk, path, "abc");
      await fails("exists", env.disk.open(path, { write: true, createNew: true }));
      const file = await env.disk.open(path, { write: true, truncate: true });
      assert.equal((await file.stat()).size, 0);
      await file.close();
    },
  );

  suiteTest(
    side,
    "calls on a closed file fail as closed, closing twice does not",
    async ({ env, directory }) => {
      const file = await env.disk.open(`${directory}/a`, { write: true, create: true });
      await file.close();
      await file.close();
      await fails("closed", file.write(text("x"), 0));
      await fails("closed", file.syncData());
      await fails("closed", file.read(new Uint8Array(1), 0));
    },
  );
}

function names(side: Side): void {
  suiteTest(
    side,
    "rename replaces, and the open file follows its name",
    async ({ env, directory }) => {
      const [from, to] = [`${directory}/from`, `${directory}/to`];
      await create(env.disk, to, "old");
      const file = await env.disk.open(from, { write: true, create: true });
      const { ino } = await file.stat();
      await env.disk.rename(from, to);
      await file.write(text("new"), 0);
      await file.close();
      assert.equal(await content(env.disk, to), "new");
      assert.equal((await env.disk.stat(to))?.ino, ino);
      assert.equal(await env.disk.stat(from), null);
      await env.disk.syncDirectory(directory || "/");
      await fails("notFound", env.disk.rename(from, to));
    },
  );

  suiteTest(
    side,
    "link gives a second name and refuses a taken one",
    async ({ env, directory }) => {
      const [a, b, c] = [`${directory}/a`, `${directory}/b`, `${directory}/c`];
      await create(env.disk, a, "a");
      await create(env.disk, c, "c");
      await env.disk.link(a, b);
      await fails("exists", env.disk.link(a, c));
      const [first, second] = [await env.disk.stat(a), await env.disk.stat(b)];
      assert.deepEqual([first?.dev, first?.ino], [second?.dev, second?.ino]);
      await env.disk.remove(a);
      assert.equal(await content(env.disk, b), "a");
      assert.equal(await content(env.disk, c), "c");
    },
  );

  suiteTest(side, "a removed file lives on in its handle", async ({ env, directory }) => {
    const path = `${directory}/a`;
    const file = await env.disk.open(path, { read: true, write: true, create: true });
    await file.write(text("abc"), 0);
    await env.disk.remove(path);
    assert.equal((await wholeOf(file)).length, 3);
    await file.close();
    assert.equal(await env.disk.stat(path), null);
    await fails("notFound", env.disk.remove(path));
  });

  suiteTest(side, "one lock per file, free again after release", async ({ env, directory }) => {
    const path = `${directory}/lock`;
    const held = await env.disk.tryLock(path);
    assert.notEqual(held, null);
    assert.equal(await env.disk.tryLock(path), null);
    await held?.release();
    await held?.release();
    const again = await env.disk.tryLock(path);
    assert.notEqual(again, null);
    await again?.release();
  });
}

function directories(side: Side): void {
  suiteTest(
    side,
    "directories are made, listed and removed when empty",
    async ({ env, directory }) => {
      const { disk } = env;
      await disk.makeDirectory(`${directory}/a/b`, { recursive: true });
      await disk.makeDirectory(`${directory}/a/b`, { recursive: true });
      await fails("exists", disk.makeDirectory(`${directory}/a`));
      await fails("notFound", disk.makeDirectory(`${directory}/x/y`));
      await create(disk, `${directory}/a/f`, "");
      const entries = await disk.readDirectory(`${directory}/a`);
      entries.sort((one, other) => one.name < other.name ? -1 : 1);
      assert.deepEqual(entries, [{ name: "b", kind: "directory" }, { name: "f", kind: "file" }]);
      assert.equal((await disk.stat(`${directory}/a/b`))?.kind, "directory");
      await fails("notEmpty", disk.remove(`${directory}/a`));
      await disk.remove(`${directory}/a/b`);
      await disk.remove(`${directory}/a/f`);
      await disk.remove(`${directory}/a`);
      assert.deepEqual(await disk.readDirectory(directory || "/"), []);
      await fails("notFound", disk.readDirectory(`${directory}/a`));
    },
  );

  suiteTest(
    side,
    "renaming between files and directories is refused",
    async ({ env, directory }) => {
      const { disk } = env;
      await disk.makeDirectory(`${directory}/full/x`, { recursive: true });
      await disk.makeDirectory(`${directory}/other`);
      await create(disk, `${directory}/f`, "");
      await fails("isDirectory", disk.rename(`${directory}/f`, `${directory}/other`));
      await fails("notDirectory", disk.rename(`${directory}/other`, `${directory}/f`));
      await fails("notEmpty", disk.rename(`${directory}/other`, `${directory}/full`));
      await fails("io", disk.rename(`${directory}/full`, `${directory}/full/x/y`));
    },
  );
}

function links(side: Side): void {
  suiteTest(
    side,
    "symbolic links are followed unless noFollow says not to",
    async (subject: Subject) => {
      const { env, directory, symlink } = subject;
      const { disk } = env;
      await create(disk, `${directory}/file`, "abc");
      await disk.makeDirectory(`${directory}/real`);
      symlink("file", `${directory}/link`);
      symlink("real", `${directory}/dir`);
      assert.equal(await content(disk, `${directory}/link`), "abc");
      assert.equal((await disk.stat(`${directory}/link`))?.kind, "file");
      assert.equal((await disk.lstat(`${directory}/link`))?.kind, "symlink");
      await fails("symlink", disk.open(`${directory}/link`, { write: true, noFollow: true }));
      await create(disk, `${directory}/dir/inner`, "x");
      const canonical = await disk.realPath(`${directory}/dir/../dir/inner`);
      assert.equal(
        canonical,
        `${await disk.realPath(directory || "/")}/real/inner`.replace("//", "/"),
      );
      assert.equal(await content(disk, `${directory}/real/inner`), "x");
      await disk.remove(`${directory}/link`);
      assert.equal(await content(disk, `${directory}/file`), "abc");
    },
  );

  suiteTest(side, "links that form a loop and dangling ones are told apart", async (subject) => {
    const { env, directory, symlink } = subject;
    symlink("loop", `${directory}/loop`);
    symlink("nothing", `${directory}/dangling`);
    await fails("symlink", env.disk.open(`${directory}/loop`, { read: true }));
    await fails("notFound", env.disk.open(`${directory}/dangling`, { read: true }));
    assert.equal(await env.disk.stat(`${directory}/dangling`), null);
    await fails("notFound", env.disk.realPath(`${directory}/dangling`));
  });
}

function errors(side: Side): void {
  suiteTest(side, "errors carry their code and name the path", async ({ env, directory }) => {
    const { disk } = env;
    await create(disk, `${directory}/f`, "");
    await fails("notDirectory", disk.open(`${directory}/f/x`, { write: true, create: true }));
    await fails("isDirectory", disk.open(directory || "/", { write: true }));
    await fails("nameTooLong", disk.open(`${directory}/${"n".repeat(300)}`, { read: true }));
    await fails("io", disk.open(`${directory}/a\0b`, { read: true }));
    await fails("exists", disk.makeDirectory(`${directory}/f`, { recursive: true }));
    await fails("notDirectory", disk.makeDirectory(`${directory}/f/x`, { recursive: true }));
    assert.equal(await disk.stat(`${directory}/f/x`), null);
    await assert.rejects(disk.open(`${directory}/none`, { read: true }), /none/);
  });
}
