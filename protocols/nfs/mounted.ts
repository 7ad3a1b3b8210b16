/**
 * The files of one mount as a disk: every call is bounded in time, and none is made, nor any file opened,
 * where the mount is not the one that it should be.
 */

import type { Disk, DiskFile, Env, OpenOptions } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { isSameFile, shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { directoryPath } from "../path_uri.ts";
import type { MountCalls } from "./calls.ts";
import type { NfsMount } from "./endpoint.ts";
import type { MountListEnv } from "./mount_list.ts";
import type { MountEntry } from "./mount_table.ts";
import { type ProvenMount, provenMount } from "./proof.ts";

/** What a mount's files are reached by. */
export interface MountParts {
  readonly mount: NfsMount;
  /** Files that may hang. */
  readonly files: Disk;
  /** The list of mounts is read by it. */
  readonly env: MountListEnv & Pick<Env, "clock">;
  readonly calls: MountCalls;
}

/** A disk that is one mount. */
export class MountedFiles implements Disk {
  readonly #parts: MountParts;
  #proof: { readonly found: ProvenMount; readonly atMs: number } | null = null;

  constructor(parts: MountParts) {
    this.#parts = parts;
  }

  /** The mount as it is now; `unreachable` where it is not what it should be. */
  async entry(): Promise<MountEntry> {
    return (await this.#proven()).entry;
  }

  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    const { files, calls } = this.#parts;
    await this.#proven();
    const action = `open ${shownPath(path)}`;
    const late = (file: DiskFile) => void file.close().catch(() => {});
    const file = await calls.run(action, () => files.open(path, options), late);
    const bounded = new MountedFile(file, path, calls);
    try {
      await this.#assertOnMount(path, bounded);
      return bounded;
    } catch (thrown) {
      if (options.createNew === true) await this.#removeIfSame(path, bounded);
      await bounded.close();
      throw thrown;
    }
  }

  stat(path: string) {
    return this.#call(`look at ${shownPath(path)}`, (files) => files.stat(path));
  }

  lstat(path: string) {
    return this.#call(`look at ${shownPath(path)}`, (files) => files.lstat(path));
  }

  realPath(path: string) {
    return this.#call(`resolve ${shownPath(path)}`, (files) => files.realPath(path));
  }

  rename(from: string, to: string) {
    return this.#call(`rename ${shownPath(from)}`, (files) => files.rename(from, to));
  }

  link(from: string, to: string) {
    return this.#call(`link ${shownPath(from)}`, (files) => files.link(from, to));
  }

  remove(path: string) {
    return this.#call(`remove ${shownPath(path)}`, (files) => files.remove(path));
  }

  makeDirectory(path: string, options?: { recursive?: boolean; mode?: number }) {
    return this.#call(`make ${shownPath(path)}`, (files) => files.makeDirectory(path, options));
  }

  readDirectory(path: string) {
    return this.#call(`list ${shownPath(path)}`, (files) => files.readDirectory(path));
  }

  syncDirectory(path: string) {
    return this.#call(`sync ${shownPath(path)}`, (files) => files.syncDirectory(path));
  }

  tryLock(path: string) {
    return this.#call(`lock ${shownPath(path)}`, (files) => files.tryLock(path));
  }

  async #call<T>(action: string, call: (files: Disk) => Promise<T>): Promise<T> {
    const { files, calls } = this.#parts;
    await this.#proven();
    return await calls.run(action, () => call(files));
  }

  async #proven(isFresh = false): Promise<ProvenMount> {
    const { mount, env, files, calls } = this.#parts;
    const now = env.clock.monotonic();
    const isKnown = this.#proof !== null && now - this.#proof.atMs < protocolLimits.nfsProofMs;
    if (isKnown && !isFresh) return this.#proof!.found;
    const path = directoryPath(mount.path);
    const canonical = await calls.run(`resolve ${shownPath(path)}`, () => files.realPath(path))
      .catch((thrown) => Promise.reject(unmounted(mount, thrown)));
    const found = await provenMount(env, mount, canonical);
    this.#proof = { found, atMs: now };
    return found;
  }

  /** Opened a moment after the mount went, it would be a file of the folder underneath. */
  async #assertOnMount(path: string, file: MountedFile): Promise<void> {
    const { dev } = await file.stat();
    if ((await this.#proven()).devices.has(dev)) return;
    if ((await this.#proven(true)).devices.has(dev)) return;
    const message = `cannot use ${shownPath(path)}: it is not on the mount of ` +
      `${this.#parts.mount.uri}, but on another file system`;
    throw new ProtocolError("unreachable", message, { definite: true });
  }

  async #removeIfSame(path: string, file: MountedFile): Promise<void> {
    const { files, calls } = this.#parts;
    await calls.run(`remove ${shownPath(path)}`, async () => {
      const standing = await files.lstat(path);
      if (standing !== null && isSameFile(standing, await file.stat())) await files.remove(path);
    });
  }
}

/** An open file of a mount. */
class MountedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #shown: string;
  readonly #calls: MountCalls;

  constructor(file: DiskFile, path: string, calls: MountCalls) {
    this.#file = file;
    this.#shown = shownPath(path);
    this.#calls = calls;
  }

  read(into: Uint8Array, position: number) {
    // A call that was given up may still write into its buffer: it gets one of its own.
    const own = new Uint8Array(into.length);
    return this.#calls.run(`read ${this.#shown}`, () => this.#file.read(own, position))
      .then((count) => {
        into.set(own.subarray(0, count));
        return count;
      });
  }

  write(bytes: Uint8Array, position: number) {
    return this.#calls.run(`write ${this.#shown}`, () => this.#file.write(bytes, position));
  }

  stat() {
    return this.#calls.run(`look at ${this.#shown}`, () => this.#file.stat());
  }

  truncate(size: number) {
    return this.#calls.run(`cut ${this.#shown}`, () => this.#file.truncate(size));
  }

  syncData() {
    return this.#calls.run(`sync ${this.#shown}`, () => this.#file.syncData());
  }

  sync() {
    return this.#calls.run(`sync ${this.#shown}`, () => this.#file.sync());
  }

  setMode(mode: number) {
    return this.#calls.run(`set the mode of ${this.#shown}`, () => this.#file.setMode(mode));
  }

  setMtime(mtimeMs: number) {
    return this.#calls.run(`set the time of ${this.#shown}`, () => this.#file.setMtime(mtimeMs));
  }

  close() {
    return this.#calls.run(`close ${this.#shown}`, () => this.#file.close());
  }
}

/** The path itself cannot be looked at. */
function unmounted({ uri, path }: NfsMount, thrown: unknown): unknown {
  if (!(thrown instanceof DiskError)) return thrown;
  const isStale = thrown.details["errno"] === "ESTALE";
  if (!isStale && thrown.code !== "notFound" && thrown.code !== "notDirectory") return thrown;
  const reason = isStale
    ? "its handle is stale: the server was replaced or its export"
    : "there is none";
  const message = `cannot use ${uri}: ${
    shownPath(path)
  } is not its mount: ${reason}; mount it again`;
  return new ProtocolError("unreachable", message, { cause: thrown, definite: true });
}
