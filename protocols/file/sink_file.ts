/** An open temporary file of the local file system. */

import type { Disk, DiskFile, FileInfo } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { fileIdOf, joinPath } from "../containment.ts";
import type { SinkFile } from "../contract.ts";
import { protocolFailure, translated } from "./disk_failure.ts";

/** What a write is refused with before anything more is written. */
const DEFINITE: ReadonlySet<string> = new Set(["noSpace", "denied", "readOnly"]);

const CLOSED: Promise<void> = Promise.resolve();

/** The temporary file `temp` in `directory`, open for writing and reading back. */
export class FileSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string;
  /** As it was when it was opened; its identity does not change. */
  readonly opened: FileInfo;
  /** Where it was opened; canonical when the sink has a root. */
  readonly directory: string;
  readonly handle: DiskFile;
  readonly #disk: Disk;
  readonly #sync: boolean;
  #nameIsDurable = false;
  #closed = false;

  constructor(
    disk: Disk,
    place: { directory: string; temp: string; sync: boolean },
    handle: DiskFile,
    opened: FileInfo,
  ) {
    this.#disk = disk;
    this.directory = place.directory;
    this.temp = place.temp;
    this.#sync = place.sync;
    this.handle = handle;
    this.opened = opened;
    this.fileId = fileIdOf(opened);
  }

  get path(): string {
    return joinPath(this.directory, this.temp);
  }

  size(): Promise<number> {
    return translated(async () => (await this.handle.stat()).size);
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    try {
      await this.handle.write(bytes, at);
    } catch (thrown) {
      const definite = thrown instanceof DiskError && DEFINITE.has(thrown.code);
      throw protocolFailure(thrown, definite ? true : undefined);
    }
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return translated(() => this.handle.read(into, at));
  }

  truncate(size: number): Promise<void> {
    return translated(() => this.handle.truncate(size));
  }

  async sync(): Promise<void> {
    if (!this.#sync) return;
    await translated(async () => {
      await this.handle.syncData();
      await this.syncName();
    });
  }

  /**
   * Makes the temporary name durable, once: a checkpoint is worth nothing, and a granted publish cannot
   * be told from a lost one, if the file's very name is lost with the power.
   */
  async syncName(): Promise<void> {
    if (this.#nameIsDurable) return;
    await this.#disk.syncDirectory(this.directory);
    this.#nameIsDurable = true;
  }

  close(): Promise<void> {
    if (this.#closed) return CLOSED;
    this.#closed = true;
    return translated(() => this.handle.close());
  }
}
