/** A server in memory, and a library that reads it: its calls return when the test lets them. */

import type { FileInfo } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import type {
  NfsEntry,
  NfsFile,
  NfsLibrary,
  NfsServer,
  NfsSession,
} from "../../../runtime/env/nfs_library.ts";

/** One server for whoever connects. */
export class PaperLibrary implements NfsLibrary {
  readonly files = new Map<string, Uint8Array>();
  /** Names that a listing has besides. */
  readonly listed: string[] = [];
  readonly connected: Omit<NfsServer, "timeoutMs">[] = [];
  /** Reads wait until their connection is interrupted. */
  isHung = false;
  interrupted = 0;

  connect(_: string, { address, port }: NfsServer): Promise<NfsSession> {
    this.connected.push({ address, port });
    return Promise.resolve(new PaperSession(this));
  }

  close(): void {}

  info(path: string): FileInfo | null {
    const bytes = this.files.get(path);
    const isDirectory = path === "/" ||
      [...this.files.keys()].some((one) => one.startsWith(`${path}/`));
    if (bytes === undefined && !isDirectory) return null;
    const kind = bytes === undefined ? "directory" : "file";
    return { kind, size: bytes?.length ?? 0, mtimeMs: 5, mode: 0o644, dev: 0, ino: path.length };
  }
}

class PaperSession implements NfsSession {
  readonly #library: PaperLibrary;
  readonly #waiting: (() => void)[] = [];
  isBroken = false;

  constructor(library: PaperLibrary) {
    this.#library = library;
  }

  lstat(path: string): Promise<FileInfo | null> {
    return Promise.resolve(this.#library.info(path));
  }

  open(path: string): Promise<NfsFile> {
    const library = this.#library;
    const bytes = library.files.get(path)!;
    return Promise.resolve({
      read: async (into, position) => {
        if (library.isHung) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        into.fill(9, 0, this.isBroken ? into.length : 0);
        if (this.isBroken) throw new DiskError("io", "the connection was shut");
        const part = bytes.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      stat: () => Promise.resolve(library.info(path)!),
      close: () => Promise.resolve(),
    });
  }

  async *list(path: string): AsyncIterable<readonly NfsEntry[]> {
    const below = [...this.#library.files.keys()].filter((one) => one.startsWith(`${path}/`));
    const names = below.map((one) => one.slice(path.length + 1));
    const info = this.#library.info(below[0]!)!;
    yield [...names, ...this.#library.listed].map((name) => ({ ...info, name }));
  }

  interrupt(): void {
    if (!this.isBroken) this.#library.interrupted += 1;
    this.isBroken = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close(): Promise<void> {
    this.isBroken = true;
    return Promise.resolve();
  }
}
