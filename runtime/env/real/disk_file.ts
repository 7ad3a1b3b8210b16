/**
 * An open file of the operating system.
 *
 * Writes are synchronous calls: on two cores `writeSync` moved a 1 MiB buffer in about half the time
 * of an asynchronous write, and the page cache takes it at memory speed. What waits for the device
 * (`syncData`, `sync`) and long reads run on Deno's thread pool.
 */

import * as fs from "node:fs";
import { limitValues } from "../../base/limits.ts";
import type { DiskFile, FileInfo } from "../env.ts";
import { DiskError } from "../errors.ts";
import { diskError } from "./disk_errors.ts";
import { ENV_LIMITS } from "./limits.ts";

const LIMITS = limitValues(ENV_LIMITS);
const DONE: Promise<void> = Promise.resolve();
/** `futimes` cuts to whole milliseconds; half a microsecond keeps the binary fraction from falling. */
const MTIME_NUDGE_MS = 0.0005;

/** Node's view of a file as the port's. */
export function infoOf(stats: fs.Stats): FileInfo {
  return {
    kind: stats.isFile()
      ? "file"
      : stats.isDirectory()
      ? "directory"
      : stats.isSymbolicLink()
      ? "symlink"
      : "other",
    size: stats.size,
    mtimeMs: Math.floor(stats.mtimeMs),
    mode: stats.mode & 0o7777,
    dev: stats.dev,
    ino: stats.ino,
  };
}

/** A file descriptor with absolute positions; `close` waits for calls under way, since the number is reused. */
export class RealFile implements DiskFile {
  readonly #fd: number;
  readonly #path: string;
  #state: "open" | "closing" | "closed" = "open";
  #pending = 0;
  #drained: (() => void) | undefined;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    if (into.length > LIMITS.syncReadBytes) {
      return this.#async<number>(
        "read",
        (done) => fs.read(this.#fd, into, 0, into.length, position, done),
      );
    }
    return this.#now("read", () => fs.readSync(this.#fd, into, 0, into.length, position));
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    if (bytes.length > LIMITS.syncWriteBytes) return this.#writeAll(bytes, position);
    try {
      this.#assertOpen("write");
      let written = 0;
      while (written < bytes.length) {
        written += fs.writeSync(
          this.#fd,
          bytes,
          written,
          bytes.length - written,
          position + written,
        );
      }
      return DONE;
    } catch (thrown) {
      return Promise.reject(diskError(`write ${this.#path}`, thrown, false));
    }
  }

  /**
   * Large writes give the event loop a turn after each piece, so that sockets are read meanwhile. They
   * do not leave the thread: Deno 2.9.6 has written when `fs.write` returns (64 MiB: 74.8 ms of 75.4;
   * `fs.read`: 5.6 of 65.8). Deno's `FsFile.write` does, and was slower (a bare HTTP copy of
   * 1 GiB: 1.2 to 2.0 s against 1.1).
   */
  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const [from, left] = [written, Math.min(LIMITS.writePieceBytes, bytes.length - written)];
      written += await this.#async<number>(
        "write",
        (done) => fs.write(this.#fd, bytes, from, left, position + from, done),
      );
    }
  }

  stat(): Promise<FileInfo> {
    return this.#now("stat", () => infoOf(fs.fstatSync(this.#fd)));
  }

  truncate(size: number): Promise<void> {
    return this.#now("truncate", () => fs.ftruncateSync(this.#fd, size));
  }

  syncData(): Promise<void> {
    return this.#async<void>("sync the data of", (done) => fs.fdatasync(this.#fd, done));
  }

  sync(): Promise<void> {
    return this.#async<void>("sync", (done) => fs.fsync(this.#fd, done));
  }

  setMode(mode: number): Promise<void> {
    return this.#now("set the mode of", () => fs.fchmodSync(this.#fd, mode));
  }

  setMtime(mtimeMs: number): Promise<void> {
    const seconds = (mtimeMs + MTIME_NUDGE_MS) / 1000;
    return this.#now(
      "set the modification time of",
      () => fs.futimesSync(this.#fd, seconds, seconds),
    );
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#drained = resolve);
    this.#state = "closed";
    try {
      fs.closeSync(this.#fd);
    } catch (thrown) {
      throw diskError(`close ${this.#path}`, thrown, false);
    }
  }

  #assertOpen(verb: string): void {
    if (this.#state === "open") return;
    throw new DiskError(
      "closed",
      `cannot ${verb} ${this.#path}: the file is closed; open it again`,
    );
  }

  #now<T>(verb: string, call: () => T): Promise<T> {
    try {
      this.#assertOpen(verb);
      return Promise.resolve(call());
    } catch (thrown) {
      return Promise.reject(diskError(`${verb} ${this.#path}`, thrown));
    }
  }

  async #async<T>(
    verb: string,
    start: (done: (error: Error | null, value?: T) => void) => void,
  ): Promise<T> {
    this.#assertOpen(verb);
    this.#pending += 1;
    try {
      return await new Promise<T>((resolve, reject) => {
        start((error, value) => error ? reject(error) : resolve(value as T));
      });
    } catch (thrown) {
      throw diskError(`${verb} ${this.#path}`, thrown, false);
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0) this.#drained?.();
    }
  }
}
