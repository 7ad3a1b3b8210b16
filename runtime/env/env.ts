/**
 * Env: everything that is not deterministic, as one value.
 *
 * Code outside `real.ts` takes an `Env` and never touches `Deno.*`, clocks, timers, random numbers,
 * sockets or Workers itself; so the same actors run in `runtime/sim` on virtual time. Every port has
 * one suite that the real and the simulated side both pass (`tests/runtime/env`).
 */

import type { Codecs } from "./codecs.ts";
import type { HostMachine } from "./machine.ts";
import type { Programs } from "./programs.ts";
import type { Sockets, Workers } from "./sockets.ts";
import type { Tracing } from "./tracing.ts";

/** All ports of one node incarnation. */
export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly disk: Disk;
  readonly kv: KvPort;
  readonly hash: Hashing;
  readonly codecs: Codecs;
  readonly net: Net;
  readonly sockets: Sockets;
  readonly workers: Workers;
  /** The machine under this process. */
  readonly host: HostMachine;
  readonly log: LogPort;
  /** Only where programs may be started. */
  readonly programs?: Programs;
  /** Only where traces are collected. */
  readonly tracing?: Tracing;
}

/** Clocks. */
export interface Clock {
  /** Wall clock in milliseconds since 1970 (UTC); may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. Measure durations with this one. */
  monotonic(): number;
}

/** A timer that was set; `cancel` is idempotent. */
export interface TimerHandle {
  cancel(): void;
}

/** Timers and the yield to the event loop. */
export interface Timers {
  /** Calls `fn` once, `ms` from now at the earliest. */
  after(ms: number, fn: () => void): TimerHandle;
  /** Calls `fn` in the next turn of the event loop, after pending I/O and due timers had theirs. */
  soon(fn: () => void): void;
}

/** Random values; seeded in simulation. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` random bytes, unpredictable on the real side. */
  bytes(length: number): Uint8Array;
}

/** Why a disk call failed; every other failure of the system is `io`. */
export type DiskErrorCode =
  | "notFound"
  | "exists"
  | "notDirectory"
  | "isDirectory"
  | "notEmpty"
  | "denied"
  | "noSpace"
  | "readOnly"
  | "nameTooLong"
  | "crossDevice"
  | "symlink"
  | "locked"
  | "closed"
  | "io";

/** What `stat` tells of a path or an open file. */
export interface FileInfo {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly mtimeMs: number;
  /** Permission bits, e.g. `0o640`. */
  readonly mode: number;
  /** Device and inode: two of these equal mean the same file. */
  readonly dev: number;
  readonly ino: number;
}

/** How a file is opened. */
export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  /** Create if absent; with `createNew` fail with `exists` if present. */
  readonly create?: boolean;
  readonly createNew?: boolean;
  readonly truncate?: boolean;
  /** Fail with `symlink` if the last segment is a symbolic link (O_NOFOLLOW). */
  readonly noFollow?: boolean;
  /** Permission bits of a created file, default `0o644` less the umask. */
  readonly mode?: number;
}

/**
 * An open file; all positions are absolute, there is no cursor. Calls that overlap have no order:
 * await a write before a sync that shall cover it.
 */
export interface DiskFile {
  /** Reads up to `into.length` bytes at `position`; 0 means end of file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  stat(): Promise<FileInfo>;
  truncate(size: number): Promise<void>;
  /** Data is durable when this resolves (fdatasync). After a failure nothing may be assumed of it. */
  syncData(): Promise<void>;
  /** Data and metadata are durable when this resolves (fsync). */
  sync(): Promise<void>;
  setMode(mode: number): Promise<void>;
  setMtime(mtimeMs: number): Promise<void>;
  close(): Promise<void>;
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileInfo["kind"];
}

/** A held lock; the system frees it when the process ends, however it ends. */
export interface DiskLock {
  release(): Promise<void>;
}

/** The local file system. Every failure is a `DiskError` with a {@link DiskErrorCode}. */
export interface Disk {
  open(path: string, options: OpenOptions): Promise<DiskFile>;
  /** Follows symbolic links; `null` if there is nothing. */
  stat(path: string): Promise<FileInfo | null>;
  /** Does not follow a link in the last segment; `null` if there is nothing. */
  lstat(path: string): Promise<FileInfo | null>;
  /** The canonical path, every link resolved. */
  realPath(path: string): Promise<string>;
  /** Replaces `to` atomically if it exists. Durable after `syncDirectory` of both parents. */
  rename(from: string, to: string): Promise<void>;
  /** Gives the file a second name; `exists` if `to` is taken. With `remove(from)`: rename without replacing. */
  link(from: string, to: string): Promise<void>;
  /** Removes a file or an empty directory. */
  remove(path: string): Promise<void>;
  /** Makes a directory; with `recursive` its parents too, and an existing one is no error. */
  makeDirectory(path: string, options?: { recursive?: boolean; mode?: number }): Promise<void>;
  readDirectory(path: string): Promise<DirectoryEntry[]>;
  /** Makes created, renamed and removed names of this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** An exclusive lock on the file `path` (created if absent); `null` if another process holds it. */
  tryLock(path: string): Promise<DiskLock | null>;
}

/** A key: parts from general to special. Order is that of Deno KV: by part, strings as UTF-8. */
export type KvKey = readonly (string | number)[];

/** A stored value: what structured clone keeps of plain data. */
export type KvValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly KvValue[]
  | { readonly [key: string]: KvValue };

/** A value with its version; the version changes with every commit that touches the key. */
export interface KvEntry {
  readonly key: KvKey;
  readonly value: KvValue;
  readonly version: string;
}

/** One change of an atomic commit. */
export type KvMutation =
  | { readonly type: "set"; readonly key: KvKey; readonly value: KvValue }
  | { readonly type: "delete"; readonly key: KvKey };

/** A condition of an atomic commit: the key's version, `null` for absent. */
export interface KvCheck {
  readonly key: KvKey;
  readonly version: string | null;
}

/** Which entries to list: all below `prefix`, from `start` (included) on. */
export interface KvRange {
  readonly prefix: KvKey;
  readonly start?: KvKey;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** One open key-value file. A commit is atomic, and durable once it resolves. */
export interface KvStore {
  get(key: KvKey): Promise<KvEntry | null>;
  /**
   * Resolves to the new version, or `null` if a check did not hold (then nothing happened). At most
   * 1,000 mutations, 100 checks and 819,200 B at once, 64 KiB a value, 2 KiB a key: else `tooLarge`.
   */
  commit(mutations: readonly KvMutation[], checks?: readonly KvCheck[]): Promise<string | null>;
  list(range: KvRange): AsyncIterable<KvEntry>;
  close(): Promise<void>;
}

/** Opens key-value files; one process per file, a second one gets `locked`. */
export interface KvPort {
  /** `:memory:` opens a private store without a file. */
  open(path: string): Promise<KvStore>;
}

/** A running hash. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** An independent continuation from the same state. */
  copy(): Hasher;
  /** Lower-case hexadecimal; ends the hasher. */
  digestHex(): string;
}

/**
 * Memory of a fixed size. A port that is handed one may move its bytes away, to another thread or into
 * a system call, and puts as many back before it resolves: hold the block, not its bytes.
 */
export interface Block {
  bytes: Uint8Array;
}

/**
 * Hashes the bytes of one file, in order, away from the calling thread where there is one to spare.
 * Calls may overlap; they take effect in the order in which they were made.
 */
export interface HashLane {
  /**
   * Feeds the next bytes: the first `length` of the block. Resolves when it may be written again; its
   * bytes are away until then, and undefined afterwards.
   */
  feed(block: Block, length: number): Promise<void>;
  /** Resolves to the SHA-256 of all bytes fed so far; the lane goes on. */
  mark(): Promise<string>;
  /** Resolves to the SHA-256 of all bytes fed, and ends the lane. */
  end(): Promise<string>;
  /** Gives the lane up; pending and later calls reject. Idempotent. */
  abort(): void;
}

/** Hash functions; deterministic, but here because their fast forms need threads. */
export interface Hashing {
  sha256(): Hasher;
  /** CRC-32 (IEEE 802.3, as in zlib), continued from `seed`. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** HMAC-SHA256 (RFC 2104) of `bytes` under `key`: 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** A lane for one file; {@link sha256} is cheaper for one that fits a buffer. */
  lane(): HashLane;
}

/** TLS of one endpoint: PEM texts. */
export interface TlsOptions {
  readonly caCerts?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * The body of a request that is sent while it is being made. It is asked for as fast as the connection
 * takes it, a few pieces ahead at most; once the request has settled it is not asked any more, but
 * for a call that is under way.
 */
export interface NetUpload {
  /**
   * Bytes in all, which are announced and which it must have (`protocol` if it ends before); `null`
   * where they are not known: then the body goes in chunks (RFC 9112, 7.1), which some servers refuse.
   */
  readonly length: number | null;
  /**
   * Fills `into` from its start with at least one byte; 0 means the end. A rejection breaks the request
   * off with `aborted`, the reason its cause: the server never sees an end of the body.
   */
  read(into: Uint8Array): Promise<number>;
}

/** An HTTP request; redirects are never followed by the port. */
export interface NetRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | NetUpload;
  readonly tls?: TlsOptions;
  /**
   * Connects to this address, whatever the name of the host resolves to; `Host` keeps the name. For
   * `http:` only: with TLS the certificate proves the name before anything is sent.
   */
  readonly address?: string;
  /** The URL whose redirect led here: nobody declared this place. */
  readonly redirectedFrom?: string;
  /** Aborting ends the request and its body with a `NetError` `aborted`, its cause the signal's reason. */
  readonly signal: AbortSignal;
}

/** The body of a response, pulled by its reader. */
export interface NetBody {
  /** Fills `into` from its start with at least one byte; 0 means the end that the server meant. */
  read(into: Uint8Array): Promise<number>;
  /**
   * Fills the block from `start`, to `end` at most, with at least one byte and without a copy; 0 means
   * the end. It may wait for more than one byte, and what it had is lost if it fails. Where absent,
   * {@link read} serves.
   */
  fill?(block: Block, start: number, end: number): Promise<number>;
  /** Stops reading and frees the connection. Idempotent. */
  cancel(): Promise<void>;
}

/** An HTTP response; its body must be read to the end or cancelled. */
export interface NetResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: NetBody;
}

/** Why a request failed below HTTP; `blocked`: it was not sent, as this process may not send it. */
export type NetErrorCode =
  | "blocked"
  | "refused"
  | "unreachable"
  | "dns"
  | "tls"
  | "reset"
  | "aborted"
  | "protocol";

/** The network as a client sees it. Every failure is a `NetError` with a {@link NetErrorCode}. */
export interface Net {
  /**
   * Resolves with the answer as soon as its headers are there, also while the body of the request is
   * still being sent: cancelling the answer's body, or reading it to its end, stops the sending.
   */
  request(request: NetRequest): Promise<NetResponse>;
  /** The addresses of a name, the best first, as this machine has them; `dns` if there are none. */
  resolve?(name: string): Promise<readonly string[]>;
  /** Closes idle connections. */
  close(): void;
}

/** How bad a log record is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log records: a constant message and its facts; never a secret. */
export interface LogPort {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}
