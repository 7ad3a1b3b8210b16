/** Reading local files. */

import { assert } from "../../runtime/base/assert.ts";
import type { DiskFile, FileInfo } from "../../runtime/env/env.ts";
import { assertNotAborted } from "../aborting.ts";
import { assertRegularFile, fileIdOf, isSameFile, shownPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { translated } from "./disk_failure.ts";

/** Of every file there. */
export const SOURCE_CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: false,
  mtime: true,
  permissions: true,
};

/** A local file's fingerprint; `version` is device and inode, so a replaced file is another version. */
export function fingerprintOf(info: FileInfo): Fingerprint {
  return { size: info.size, mtimeMs: info.mtimeMs, etag: null, version: fileIdOf(info) };
}

function factsOf(info: FileInfo): SourceFacts {
  return { fingerprint: fingerprintOf(info), ranges: true, mode: info.mode, sha256: null };
}

/** What of a disk a source needs. */
export interface ReadableFiles {
  stat(path: string): Promise<FileInfo | null>;
  open(path: string, options: { readonly read: true }): Promise<ReadableFile>;
}

/** An open file that is only read. */
export type ReadableFile = Pick<DiskFile, "read" | "stat" | "close">;

/** A source at an absolute path; links in the path are followed, since a source path is declared. */
export function fileSource(disk: ReadableFiles, path: string): Source {
  const shown = shownPath(path);

  async function regularFile(action: string): Promise<FileInfo> {
    const info = await disk.stat(path);
    if (info === null) {
      throw new ProtocolError("notFound", `cannot ${action} ${shown}: there is no such file`);
    }
    // Before opening: opening a device can have effects, and a FIFO can block.
    assertRegularFile(path, info);
    return info;
  }

  return {
    capabilities: SOURCE_CAPABILITIES,
    stat: (signal) =>
      translated(async () => {
        assertNotAborted(`look at ${shown}`, signal);
        return factsOf(await regularFile("look at"));
      }),
    open: (range, expected, signal) =>
      translated(async () => {
        assertNotAborted(`open ${shown}`, signal);
        const standing = await regularFile("open");
        const file = await disk.open(path, { read: true });
        try {
          const opened = await file.stat();
          assertRegularFile(path, opened);
          const wanted = isSameFile(standing, opened) ? expected : fingerprintOf(standing);
          if (wanted !== null) assertSameVersion(`read ${shown}`, wanted, fingerprintOf(opened));
          assertRange(shown, range, opened.size);
          return new FileReader(disk, path, file, opened, range, signal);
        } catch (thrown) {
          await file.close();
          throw thrown;
        }
      }),
    close: () => Promise.resolve(),
  };
}

function assertRange(shown: string, range: ByteRange, size: number): void {
  if (range.start <= size && (range.end === null || range.end >= range.start)) return;
  throw new ProtocolError(
    "rangeNotSupported",
    `cannot read ${shown} from byte ${range.start} to ${
      range.end ?? "its end"
    }: it has ${size} bytes`,
  );
}

class FileReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #disk: ReadableFiles;
  readonly #path: string;
  readonly #file: ReadableFile;
  readonly #opened: FileInfo;
  readonly #signal: AbortSignal;
  readonly #end: number;
  #position: number;
  #closed = false;

  constructor(
    disk: ReadableFiles,
    path: string,
    file: ReadableFile,
    opened: FileInfo,
    range: ByteRange,
    signal: AbortSignal,
  ) {
    this.facts = factsOf(opened);
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#opened = opened;
    this.#signal = signal;
    this.#position = range.start;
    // What is appended later is not read: the size at opening was announced.
    this.#end = range.end ?? opened.size;
  }

  read(into: Uint8Array): Promise<number> {
    return translated(async () => {
      assertNotAborted(`read ${shownPath(this.#path)}`, this.#signal);
      assert(into.length > 0, "a read has room for a byte");
      const wanted = Math.min(into.length, this.#end - this.#position);
      if (wanted === 0) return 0;
      const count = await this.#file.read(into.subarray(0, wanted), this.#position);
      assertNotAborted(`read ${shownPath(this.#path)}`, this.#signal);
      if (count === 0) throw this.#truncated();
      this.#position += count;
      return count;
    });
  }

  confirm(): Promise<Fingerprint> {
    return translated(async () => {
      // The inode cannot be reused while it is open here: another one at the path is another file.
      const standing = await this.#disk.stat(this.#path);
      if (standing !== null) return fingerprintOf(standing);
      throw new ProtocolError(
        "changed",
        `cannot confirm ${shownPath(this.#path)}: it was removed while it was read; start over`,
      );
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await translated(() => this.#file.close());
  }

  #truncated(): ProtocolError {
    return new ProtocolError(
      "truncated",
      `cannot read ${shownPath(this.#path)} beyond byte ${this.#position}: it ends there, ` +
        `but ${this.#end} bytes were expected (it had ${this.#opened.size} when it was opened)`,
    );
  }
}
