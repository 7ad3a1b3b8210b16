/** A library that speaks NFS by itself, where the kernel has nothing mounted: reading only. */

import type { FileInfo } from "./env.ts";

/** Where a server is. */
export interface NfsServer {
  /** An address that was judged, and no name that the library would resolve again. */
  readonly address: string;
  readonly port: number;
  /** A call without an answer for so long fails. */
  readonly timeoutMs: number;
}

/** One name of a listing; no link is followed. */
export interface NfsEntry extends FileInfo {
  /** As the server sends it, whatever that is; bytes that are no UTF-8 are U+FFFD. */
  readonly name: string;
}

/** An open file. */
export interface NfsFile {
  /** Reads up to `into.length` bytes at `position`; 0 means end of file. `into` is its own until then. */
  read(into: Uint8Array<ArrayBuffer>, position: number): Promise<number>;
  stat(): Promise<FileInfo>;
  close(): Promise<void>;
}

/** One connection. Its calls are made one after the other; every failure is a `DiskError`. */
export interface NfsSession {
  /** The connection is gone or out of step: every call fails. */
  readonly isBroken: boolean;
  /** Does not follow a link in the last segment; `null` if there is nothing. */
  lstat(path: string): Promise<FileInfo | null>;
  /** `symlink` where the last segment is a link. */
  open(path: string): Promise<NfsFile>;
  /** Every name of a directory but `.` and `..`, so many at a time. */
  list(path: string, pageEntries: number): AsyncIterable<readonly NfsEntry[]>;
  /** Makes calls that wait for an answer fail now. */
  interrupt(): void;
  /** Ends it once its calls have returned; idempotent. */
  close(): Promise<void>;
}

/** The library, by its path on this machine. */
export interface NfsLibrary {
  /** Connects by NFS 4, to the root of the server's exports. */
  connect(library: string, server: NfsServer): Promise<NfsSession>;
  /** Unloads it, unless a call of it has not returned: then it stays. */
  close(): void;
}
