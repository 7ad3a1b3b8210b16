/** The local file system. Short calls are synchronous: measured two to ten times faster than async ones. */

import * as fs from "node:fs";
import type { DirectoryEntry, Disk, DiskFile, DiskLock, FileInfo, OpenOptions } from "../env.ts";
import { diskError, errnoOf } from "./disk_errors.ts";
import { SharedSync } from "./shared_sync.ts";
import { RealFile } from "./disk_file.ts";

const DEFAULT_FILE_MODE = 0o644;
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);

function attempt<T>(action: string, call: () => T): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (thrown) {
    return Promise.reject(diskError(action, thrown));
  }
}

/** O_NONBLOCK, so that opening a FIFO that came in a file's place cannot stop the process. */
function flagsOf(options: OpenOptions): number {
  const c = fs.constants;
  const access = options.write ? (options.read ? c.O_RDWR : c.O_WRONLY) : c.O_RDONLY;
  return access | c.O_NONBLOCK |
    (options.create || options.createNew ? c.O_CREAT : 0) |
    (options.createNew ? c.O_EXCL : 0) |
    (options.truncate ? c.O_TRUNC : 0) |
    (options.noFollow ? c.O_NOFOLLOW : 0);
}

/** Deno's view of a file as the port's. */
export function infoOfDeno(info: Deno.FileInfo): FileInfo {
  return {
    kind: info.isFile
      ? "file"
      : info.isDirectory
      ? "directory"
      : info.isSymlink
      ? "symlink"
      : "other",
    size: info.size,
    mtimeMs: info.mtime?.getTime() ?? 0,
    mode: (info.mode ?? 0) & 0o7777,
    dev: info.dev,
    ino: info.ino ?? 0,
  };
}

/** `Deno.statSync` takes 3 us where `fs.statSync` takes 11. */
function statOrNull(action: string, call: () => Deno.FileInfo): Promise<FileInfo | null> {
  try {
    return Promise.resolve(infoOfDeno(call()));
  } catch (thrown) {
    if (ABSENT.has(errnoOf(thrown))) return Promise.resolve(null);
    return Promise.reject(diskError(action, thrown));
  }
}

/** What a name in a directory stands for. */
export function kindOfDeno(entry: Deno.DirEntry): DirectoryEntry["kind"] {
  if (entry.isFile) return "file";
  if (entry.isDirectory) return "directory";
  return entry.isSymlink ? "symlink" : "other";
}

async function syncDirectoryNow(path: string): Promise<void> {
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fsync(fd, (error) => error ? reject(error) : resolve());
      });
    } finally {
      fs.closeSync(fd);
    }
  } catch (thrown) {
    throw diskError(`sync the directory ${path}`, thrown, false);
  }
}

/** An advisory lock of the system, freed with the file descriptor: also after `kill -9`. */
function tryLock(path: string): DiskLock | null {
  const file = Deno.openSync(path, { create: true, write: true });
  let held = false;
  try {
    held = file.tryLockSync(true);
  } finally {
    if (!held) file.close();
  }
  if (!held) return null;
  let released = false;
  return {
    release: () => {
      if (!released) file.close();
      released = true;
      return Promise.resolve();
    },
  };
}

const directorySyncs = new SharedSync(syncDirectoryNow);

/** The file system of this machine. */
export const realDisk: Disk = {
  open: (path, options): Promise<DiskFile> =>
    attempt(`open ${path}`, () => {
      const fd = fs.openSync(path, flagsOf(options), options.mode ?? DEFAULT_FILE_MODE);
      return new RealFile(fd, path);
    }),
  stat: (path) => statOrNull(`stat ${path}`, () => Deno.statSync(path)),
  lstat: (path) => statOrNull(`stat ${path}`, () => Deno.lstatSync(path)),
  realPath: (path) => attempt(`resolve ${path}`, () => Deno.realPathSync(path)),
  rename: (from, to) => attempt(`rename ${from} to ${to}`, () => Deno.renameSync(from, to)),
  link: (from, to) => attempt(`link ${from} to ${to}`, () => Deno.linkSync(from, to)),
  remove: (path) => attempt(`remove ${path}`, () => Deno.removeSync(path)),
  makeDirectory: (path, options = {}) =>
    attempt(`make the directory ${path}`, () => Deno.mkdirSync(path, options)),
  readDirectory: (path) =>
    attempt(
      `list ${path}`,
      () =>
        Array.from(
          Deno.readDirSync(path),
          (entry) => ({ name: entry.name, kind: kindOfDeno(entry) }),
        ),
    ),
  syncDirectory: (path) => directorySyncs.run(path),
  tryLock: (path) => attempt(`lock ${path}`, () => tryLock(path)),
};
