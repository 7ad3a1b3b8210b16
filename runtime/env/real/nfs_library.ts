/**
 * NFS by libnfs, called in this process (FFI). Every call that may wait leaves the thread, so that a
 * server that hangs stops nothing but its own connection; it holds a thread of Deno's pool until the
 * library's own timeout, or until {@link NfsSession.interrupt} shuts the socket.
 */

import { assert } from "../../base/assert.ts";
import type { DiskErrorCode, FileInfo } from "../env.ts";
import { DiskError } from "../errors.ts";
import type { NfsEntry, NfsFile, NfsLibrary, NfsServer, NfsSession } from "../nfs_library.ts";
import { diskError } from "./disk_errors.ts";
import {
  ENTRY_BYTES,
  ENTRY_NAME_OFFSET,
  infoOfEntry,
  infoOfStat,
  NFS_SYMBOLS,
  STAT_BYTES,
} from "./nfs_symbols.ts";

type Loaded = Deno.DynamicLibrary<typeof NFS_SYMBOLS>;
type Symbols = Loaded["symbols"];
type Pointer = bigint;

const NULL = 0n;
const O_NOFOLLOW = 0o400000;
const BOTH_DIRECTIONS = 2;
const POINTER_BYTES = 8;
/** Of a name or a sentence; what is longer is no name of a file, and cut here. */
const TEXT_MAX_BYTES = 4_096n;
/** `verifier4` has 8 bytes (RFC 7530, 2.1). */
const VERIFIER_CHARACTERS = 8;
/** What libnfs returns, less than zero, as the system names it. */
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  13: "EACCES",
  17: "EEXIST",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  36: "ENAMETOOLONG",
  40: "ELOOP",
  116: "ESTALE",
};

/** The library of this machine; each path needs `--allow-ffi=PATH` (or `--allow-ffi`). */
export function realNfsLibrary(): NfsLibrary {
  const opened = new Map<string, Loaded>();
  let live = 0;
  return {
    async connect(path, server) {
      const library = opened.get(path) ?? loaded(path);
      opened.set(path, library);
      live += 1;
      return await connected(library.symbols, server, () => live -= 1);
    },
    close() {
      if (live > 0) return;
      for (const library of opened.values()) library.close();
      opened.clear();
    },
  };
}

function loaded(path: string): Loaded {
  try {
    return Deno.dlopen(path, NFS_SYMBOLS);
  } catch (thrown) {
    const code: DiskErrorCode = thrown instanceof Deno.errors.NotCapable ? "denied" : "notFound";
    const advice = code === "denied"
      ? `this process may not; allow it with --allow-ffi=${path}`
      : "it is not there, or no libnfs.so.13; install the Debian package libnfs13";
    const message = `cannot load the library ${path}: ${advice}`;
    throw new DiskError(code, message, { cause: thrown, definite: true });
  }
}

async function connected(
  symbols: Symbols,
  { address, port, timeoutMs }: NfsServer,
  ended: () => void,
): Promise<NfsSession> {
  const context = symbols.nfs_init_context();
  if (context === NULL) {
    ended();
    throw new DiskError("io", "cannot use libnfs: it has no memory");
  }
  const host = address.includes(":") ? `[${address}]` : address;
  const settings = `version=4&nfsport=${port}&autoreconnect=0&auto-traverse-mounts=0&dircache=0`;
  const url = symbols.nfs_parse_url_incomplete(context, text(`nfs://${host}/?${settings}`));
  if (url !== NULL) symbols.nfs_destroy_url(url);
  // Left to itself it takes one name for all connections of a second, and a server forgets the files of
  // one client when another one of its name comes.
  const name = text(`quorus ${crypto.randomUUID()}`);
  const verifier = text(crypto.randomUUID().slice(0, VERIFIER_CHARACTERS));
  symbols.nfs4_set_client_name(context, name);
  symbols.nfs4_set_verifier(context, verifier);
  // It counts in seconds.
  symbols.nfs_set_timeout(context, Math.max(1_000, Math.ceil(timeoutMs / 1_000) * 1_000));
  const session = new LibrarySession(symbols, context, ended);
  try {
    await session.call(
      `connect to ${host}:${port}`,
      () => symbols.nfs_mount(context, text(address), text("/")),
    );
    return session;
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

class LibrarySession implements NfsSession {
  readonly #symbols: Symbols;
  readonly #context: Pointer;
  readonly #ended: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #isBroken = false;
  /** Its memory was given back. */
  #isGone = false;
  #closing: Promise<void> | null = null;

  constructor(symbols: Symbols, context: Pointer, ended: () => void) {
    this.#symbols = symbols;
    this.#context = context;
    this.#ended = ended;
  }

  get isBroken(): boolean {
    return this.#isBroken || this.#closing !== null;
  }

  lstat(path: string): Promise<FileInfo | null> {
    const [name, into] = [text(path), new Uint8Array(STAT_BYTES)];
    return this.#orNull(async () => {
      await this.call(
        `stat ${path}`,
        (at) => this.#symbols.nfs_lstat64(at, name, into),
        name,
        into,
      );
      return infoOfStat(into);
    });
  }

  async open(path: string): Promise<NfsFile> {
    const [name, into] = [text(path), new Uint8Array(POINTER_BYTES)];
    await this.call(
      `open ${path}`,
      (at) => this.#symbols.nfs_open(at, name, O_NOFOLLOW, into),
      ...[name, into],
    );
    return new LibraryFile(this, this.#symbols, pointerIn(into), path);
  }

  async *list(path: string, pageEntries: number): AsyncIterable<readonly NfsEntry[]> {
    const [name, into] = [text(path), new Uint8Array(POINTER_BYTES)];
    await this.call(`list ${path}`, (at) => this.#symbols.nfs_opendir(at, name, into), name, into);
    const directory = pointerIn(into);
    try {
      for (;;) {
        const { page, isLast } = await this.#turn(() => this.#page(directory, pageEntries));
        if (page.length > 0) yield page;
        if (isLast) return;
      }
    } finally {
      await this.#turn(() => {
        if (!this.#isGone) this.#symbols.nfs_closedir(this.#context, directory);
      });
    }
  }

  interrupt(): void {
    // Once it is being closed its context is not to be touched any more.
    if (this.#closing !== null) return;
    this.#isBroken = true;
    const descriptor = this.#symbols.nfs_get_fd(this.#context);
    if (descriptor >= 0) this.#symbols.shutdown(descriptor, BOTH_DIRECTIONS);
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn(async () => {
      this.#isGone = true;
      await this.#symbols.nfs_destroy_context(this.#context);
      this.#ended();
    });
    return this.#closing;
  }

  /**
   * A call of the library, by itself; what it says no to is a `DiskError`. `held` is what it was given to
   * read from and to write into: Deno keeps no hold of that while a call is on another thread.
   */
  async call(
    action: string,
    ask: (context: Pointer) => Promise<number>,
    ...held: readonly Uint8Array[]
  ): Promise<number> {
    if (this.isBroken) throw lost(action);
    return await this.#turn(async () => {
      if (this.isBroken) throw lost(action);
      const result = await ask(this.#context);
      assert(held.every(({ length }) => length > 0), "a call has its memory to its end");
      if (result >= 0) return result;
      throw this.#failure(action, -result);
    });
  }

  /** Entries that are there already: the library read the whole directory when it was opened. */
  #page(directory: Pointer, most: number): { page: NfsEntry[]; isLast: boolean } {
    if (this.#isGone) throw lost("list a directory");
    const page: NfsEntry[] = [];
    while (page.length < most) {
      const at = this.#symbols.nfs_readdir(this.#context, directory);
      if (at === NULL) return { page, isLast: true };
      const bytes = new Uint8Array(ENTRY_BYTES);
      this.#symbols.memcpy(bytes, at, BigInt(ENTRY_BYTES));
      const shown = stringAt(this.#symbols, pointerIn(bytes.subarray(ENTRY_NAME_OFFSET)));
      if (shown !== "." && shown !== "..") page.push({ name: shown, ...infoOfEntry(bytes) });
    }
    return { page, isLast: false };
  }

  #failure(action: string, errno: number): DiskError {
    const name = ERRNO[errno];
    if (name !== undefined) {
      return diskError(action, Object.assign(new Error(name), { code: name }));
    }
    // Its connection, or a timeout: what comes next on it may be the answer to something else.
    this.#isBroken = true;
    return lost(action, stringAt(this.#symbols, this.#symbols.nfs_get_error(this.#context)));
  }

  async #orNull<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call();
    } catch (thrown) {
      const isAbsent = thrown instanceof DiskError &&
        (thrown.code === "notFound" || thrown.code === "notDirectory");
      if (isAbsent) return null;
      throw thrown;
    }
  }

  /** One at a time: a context is for one thread. */
  #turn<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

class LibraryFile implements NfsFile {
  readonly #session: LibrarySession;
  readonly #symbols: Symbols;
  readonly #handle: Pointer;
  readonly #path: string;
  #isClosed = false;

  constructor(session: LibrarySession, symbols: Symbols, handle: Pointer, path: string) {
    this.#session = session;
    this.#symbols = symbols;
    this.#handle = handle;
    this.#path = path;
  }

  read(into: Uint8Array<ArrayBuffer>, position: number): Promise<number> {
    return this.#call(
      "read",
      (at) =>
        this.#symbols.nfs_pread(at, this.#handle, BigInt(position), BigInt(into.length), into),
      into,
    );
  }

  async stat(): Promise<FileInfo> {
    const into = new Uint8Array(STAT_BYTES);
    await this.#call("stat", (at) => this.#symbols.nfs_fstat64(at, this.#handle, into), into);
    return infoOfStat(into);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // With its connection the server forgets it; the library has no other way to free it.
    await this.#session.call(
      `close ${this.#path}`,
      (at) => this.#symbols.nfs_close(at, this.#handle),
    ).catch(() => {});
  }

  #call(
    verb: string,
    ask: (context: Pointer) => Promise<number>,
    into: Uint8Array,
  ): Promise<number> {
    if (!this.#isClosed) return this.#session.call(`${verb} ${this.#path}`, ask, into);
    const message = `cannot ${verb} ${this.#path}: the file is closed; open it again`;
    return Promise.reject(new DiskError("closed", message));
  }
}

function lost(action: string, said = ""): DiskError {
  const reason = said === "" ? "" : ` (libnfs: ${said})`;
  const message = `cannot ${action}: the connection to its server was lost${reason}; try again`;
  return new DiskError("io", message, { definite: false, details: { errno: "EIO" } });
}

function text(value: string): Uint8Array<ArrayBuffer> {
  if (value.includes("\0")) throw new DiskError("io", "a path for libnfs holds NUL");
  return new TextEncoder().encode(`${value}\0`);
}

function pointerIn(bytes: Uint8Array<ArrayBuffer>): Pointer {
  const pointer = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (pointer !== NULL) return pointer;
  throw new DiskError("io", "libnfs gave nothing where it said that it had");
}

/** A text of the library, empty where there is none; bytes that are no UTF-8 become U+FFFD. */
function stringAt(symbols: Symbols, pointer: Pointer): string {
  if (pointer === NULL) return "";
  const length = symbols.strnlen(pointer, TEXT_MAX_BYTES);
  if (length === 0n) return "";
  const bytes = new Uint8Array(Number(length));
  symbols.memcpy(bytes, pointer, length);
  return new TextDecoder().decode(bytes);
}
