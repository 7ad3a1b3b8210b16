/**
 * The local file system by calls that leave the thread, each of them: for mounts whose server may stop
 * answering. A call that hangs holds one thread of Deno's pool and nothing else; the synchronous calls
 * of `disk.ts`, which are faster, would stop the whole process. Deno cannot cancel a call, so whoever
 * uses this bounds how many may hang at once: the pool has 32 threads.
 *
 * `FsFile.write` leaves the thread in Deno 2.9.6, `fs.write` of node does not.
 */

import * as fs from "node:fs";
import type { Disk, DiskFile, DiskLock, FileInfo, OpenOptions } from "../env.ts";
import { DiskError } from "../errors.ts";
import { infoOfDeno, kindOfDeno } from "./disk.ts";
import { diskError, errnoOf } from "./disk_errors.ts";

const DEFAULT_FILE_MODE = 0o644;
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);

async function attempt<T>(action: string, call: () => Promise<T>, isDefinite = true): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw diskError(action, thrown, isDefinite);
  }
}

async function infoOrNull(
  action: string,
  call: () => Promise<Deno.FileInfo>,
): Promise<FileInfo | null> {
  try {
    return infoOfDeno(await call());
  } catch (thrown) {
    if (ABSENT.has(errnoOf(thrown))) return null;
    throw diskError(action, thrown);
  }
}

/** The same files as `realDisk`, at the price of a thread's turn for every call. */
export const mountedDisk: Disk = {
  open: (path, options) => attempt(`open ${path}`, () => opened(path, options)),
  stat: (path) => infoOrNull(`stat ${path}`, () => Deno.stat(path)),
  lstat: (path) => infoOrNull(`stat ${path}`, () => Deno.lstat(path)),
  realPath: (path) => attempt(`resolve ${path}`, () => Deno.realPath(path)),
  rename: (from, to) => attempt(`rename ${from} to ${to}`, () => Deno.rename(from, to), false),
  link: (from, to) => attempt(`link ${from} to ${to}`, () => Deno.link(from, to)),
  remove: (path) => attempt(`remove ${path}`, () => Deno.remove(path)),
  makeDirectory: (path, options = {}) =>
    attempt(`make the directory ${path}`, () => Deno.mkdir(path, options)),
  readDirectory: (path) =>
    attempt(`list ${path}`, async () => {
      const entries = [];
      for await (const entry of Deno.readDir(path)) {
        entries.push({ name: entry.name, kind: kindOfDeno(entry) });
      }
      return entries;
    }),
  syncDirectory: (path) =>
    attempt(`sync the directory ${path}`, async () => {
      const directory = await Deno.open(path);
      try {
        await directory.sync();
      } finally {
        directory.close();
      }
    }, false),
  tryLock: (path) => attempt(`lock ${path}`, () => locked(path)),
};

async function locked(path: string): Promise<DiskLock | null> {
  const file = await Deno.open(path, { create: true, write: true });
  const isHeld = await file.tryLock(true).catch((thrown) => {
    file.close();
    throw thrown;
  });
  if (!isHeld) file.close();
  if (!isHeld) return null;
  let isReleased = false;
  return {
    release: () => {
      if (!isReleased) file.close();
      isReleased = true;
      return Promise.resolve();
    },
  };
}

/**
 * Deno cannot be told not to follow a link: one in the last place is looked for before, and the caller
 * compares what it opened with what stands there. A new file is never made through a link (O_EXCL).
 */
async function opened(path: string, options: OpenOptions): Promise<DiskFile> {
  if (options.noFollow && !options.createNew) {
    const standing = await infoOrNull(`stat ${path}`, () => Deno.lstat(path));
    if (standing?.kind === "symlink") {
      throw new DiskError(
        "symlink",
        `cannot open ${path}: it is a symbolic link; name the real path`,
      );
    }
  }
  const { read = false, write = false, create = false, createNew = false, truncate = false } =
    options;
  const file = await Deno.open(path, {
    ...{ read: read || !write, write, create, createNew, truncate },
    ...(create || createNew ? { mode: options.mode ?? DEFAULT_FILE_MODE } : {}),
  });
  return new MountedFile(file, path);
}

/** One call at a time: the position is the descriptor's own. */
class MountedFile implements DiskFile {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#next("read", async () => {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      return await this.#file.read(into) ?? 0;
    });
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#next("write", async () => {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      for (let written = 0; written < bytes.length;) {
        written += await this.#file.write(bytes.subarray(written));
      }
    }, false);
  }

  stat(): Promise<FileInfo> {
    return this.#next("stat", async () => infoOfDeno(await this.#file.stat()));
  }

  truncate(size: number): Promise<void> {
    return this.#next("truncate", () => this.#file.truncate(size));
  }

  syncData(): Promise<void> {
    return this.#next("sync the data of", () => this.#file.syncData(), false);
  }

  sync(): Promise<void> {
    return this.#next("sync", () => this.#file.sync(), false);
  }

  setMode(mode: number): Promise<void> {
    return this.#next("set the mode of", async () => {
      await changeMode(this.#path, mode, infoOfDeno(await this.#file.stat()));
    });
  }

  setMtime(mtimeMs: number): Promise<void> {
    const at = new Date(mtimeMs);
    return this.#next("set the modification time of", () => this.#file.utime(at, at));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const before = this.#last;
    await before.catch(() => {});
    this.#file.close();
  }

  #next<T>(verb: string, call: () => Promise<T>, isDefinite = true): Promise<T> {
    if (this.#isClosed) {
      const message = `cannot ${verb} ${this.#path}: the file is closed; open it again`;
      return Promise.reject(new DiskError("closed", message));
    }
    const done = this.#last.then(() => attempt(`${verb} ${this.#path}`, call, isDefinite));
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Deno changes modes by name only: by a second descriptor, of the very file that is open. */
async function changeMode(path: string, mode: number, opened: FileInfo): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const fd = await called<number>((done) =>
    fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, done)
  );
  try {
    const { dev, ino } = await called<fs.Stats>((done) => fs.fstat(fd, done));
    if (dev !== opened.dev || ino !== opened.ino) {
      throw new DiskError("notFound", `cannot set the mode of ${path}: it was replaced meanwhile`);
    }
    await called<void>((done) => fs.fchmod(fd, mode, (error) => done(error)));
  } finally {
    await called<void>((done) => fs.close(fd, (error) => done(error ?? null)));
  }
}

function called<T>(
  start: (done: (error: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => error ? reject(error) : resolve(value as T));
  });
}
