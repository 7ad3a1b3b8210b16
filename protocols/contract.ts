/**
 * The transfer-protocol contract: a small required interface and declared capabilities.
 *
 * A protocol moves bytes and names; it decides nothing. Which range to fetch, when to retry, what a
 * conflict means and whether a file may be published is decided by the job (`actors/job`).
 * Everything that fails throws a `ProtocolError`; one conformance suite (`tests/conformance`) holds
 * every protocol to this file.
 */

import type { Block, Env, TlsOptions } from "../runtime/env/env.ts";
import type { Credentials, CredentialType } from "./credentials.ts";
import type { Directory, DirectoryCapabilities } from "./directory.ts";

/** A byte range of a file: `start` included, `end` excluded, `null` for "to the end". */
export interface ByteRange {
  readonly start: number;
  readonly end: number | null;
}

/** What identifies one version of a source; `null` where the source does not tell. */
export interface Fingerprint {
  /** Size in bytes. */
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** A strong validator (RFC 9110, 8.8.1); weak ones are not kept. */
  readonly etag: string | null;
  /** A version id or, for local files, device and inode. */
  readonly version: string | null;
}

/** What is known of a source file. */
export interface SourceFacts {
  readonly fingerprint: Fingerprint;
  /** Ranged reads of this very file are possible. */
  readonly ranges: boolean;
  /** Permission bits, where the source has them. */
  readonly mode: number | null;
  /** The SHA-256 that the source itself vouches for, lower-case hexadecimal. */
  readonly sha256: string | null;
}

/** What a source can do; a promise of the protocol, narrowed per file by {@link SourceFacts}. */
export interface SourceCapabilities {
  readonly ranges: boolean;
  readonly parallelRanges: boolean;
  readonly serverHash: boolean;
  readonly mtime: boolean;
  readonly permissions: boolean;
}

/** A place and how it is reached. Secrets are already revealed: never log or store an endpoint. */
export interface Endpoint {
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: Credentials | null;
  readonly tls: TlsOptions | null;
  /** Until a request is answered, connecting included; `null` for the protocol's default. */
  readonly responseTimeoutMs: number | null;
  /** Between two reads that bring bytes; `null` for the protocol's default. */
  readonly idleTimeoutMs: number | null;
  /** What only this protocol knows, as it was declared; what it does not know is a `badEndpoint`. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** Where to read from. */
export type SourceEndpoint = Endpoint;

/** One file to be read. */
export interface Source {
  readonly capabilities: SourceCapabilities;
  /** Looks without reading. `notFound` if there is nothing. */
  stat(signal: AbortSignal): Promise<SourceFacts>;
  /**
   * Opens a range. With `expected`, a source that is no longer that version fails with `changed`;
   * a source that cannot serve the range fails with `rangeNotSupported`; neither delivers a byte.
   * The signal ends the opening and every later read of the reader with `aborted`.
   */
  open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader>;
  close(): Promise<void>;
}

/** An open range of a source, pulled by its reader: nothing is read ahead beyond one buffer. */
export interface SourceReader {
  /** Of the whole file, as seen when this range was opened. */
  readonly facts: SourceFacts;
  /**
   * Fills `into`, which is not empty, from its start with at least one byte; 0 means the end, again and
   * again. `truncated` if the end came early, `tooLong` if there is more than was announced.
   */
  read(into: Uint8Array): Promise<number>;
  /**
   * Fills the block from `start`, to `end` at most, with at least one byte and without a copy; 0 means
   * the end. It may wait for more than one byte, and what it had is lost if it fails. Where absent,
   * {@link SourceReader.read} serves.
   */
  fill?(block: Block, start: number, end: number): Promise<number>;
  /**
   * What the source says of itself after the last byte, to be compared with `facts`; `changed` if it is
   * gone. Called before `close`.
   */
  confirm(): Promise<Fingerprint>;
  /** Idempotent; frees the connection or handle, read to the end or not. */
  close(): Promise<void>;
}

/**
 * What keeps a stale writer from publishing (DESIGN section 7.6): the sink checks a `token`, it has
 * `conditional` writes, a named temporary file can be `seize`d, or `none`: equal bytes at least once.
 */
export type Fence = "token" | "conditional" | "seize" | "none";

/** What a sink can do. */
export interface SinkCapabilities {
  readonly fence: Fence;
  /** A temporary file can be reopened and written on at its end or anywhere. */
  readonly resume: boolean;
  /** Writes at any position. */
  readonly randomWrites: boolean;
  readonly renameNoReplace: boolean;
  readonly durableSync: boolean;
  readonly fileId: boolean;
  readonly readBack: boolean;
  readonly mtime: boolean;
  readonly permissions: boolean;
  /** The service can fill a temporary file from a file of its own ({@link Sink.serverCopy}); absent: no. */
  readonly serverCopy?: boolean;
}

/** Where to write to. */
export interface SinkEndpoint extends Endpoint, SinkPlace {}

/** A destination, whatever it takes to reach it. */
export interface SinkPlace {
  readonly uri: string;
  readonly createDirectories: boolean;
  /**
   * The directory that was declared literally, as an absolute path of the sink's own kind: what
   * variables or servers add to it must stay below. `null`: the whole destination was declared.
   */
  readonly root: string | null;
  /** `false` gives up durability for speed: nothing is synced. */
  readonly sync: boolean;
}

/** What is known of a published file. */
export interface DestinationFacts {
  /** In bytes of the file; `null` where only reading it tells: it is compressed at rest. */
  readonly size: number | null;
  readonly mtimeMs: number | null;
  readonly fileId: string | null;
}

/** How a temporary file becomes the final one. */
export interface PublishOptions {
  /** The final name, in the directory of the endpoint. */
  readonly name: string;
  /** `false`: fail with `exists` when the name is taken, atomically where `renameNoReplace`. */
  readonly replace: boolean;
  readonly mtimeMs: number | null;
  /** Permission bits. */
  readonly mode: number | null;
}

/** What {@link Sink.probe} compares a final file with. */
export interface ProbeExpectation {
  readonly name: string;
  readonly size: number;
  /** `null` where it was never computed: then only `fileId` can tell. */
  readonly sha256: string | null;
  readonly fileId: string | null;
}

/** One destination: a directory of the sink and the final name in it. */
export interface Sink {
  readonly capabilities: SinkCapabilities;
  /** The declared final name, without directories. */
  readonly name: string;
  /** What stands at `name` in the destination's directory, `null` if nothing does. */
  stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null>;
  /** SHA-256 of the file at `name`, `null` if there is none; `unsupported` without `readBack`. */
  hash(name: string, signal: AbortSignal): Promise<string | null>;
  /**
   * Creates the temporary file, which must not exist (`exists`); only its writer may read it. `size` is
   * what the source says that the file will have, for places that want to be told beforehand; `name`
   * the final name that it is most likely to get, the declared one if left out.
   */
  create(
    temp: string,
    signal: AbortSignal,
    size?: number | null,
    name?: string,
  ): Promise<SinkFile>;
  /** Opens a temporary file of an earlier attempt, `null` if it is gone. */
  reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null>;
  /**
   * Gives mode (0644 unless told) and mtime, syncs, renames to the final name and syncs the directory.
   * Closes the file, also when it fails. `notFound` if the temporary file is gone: seized or removed.
   * `unsupported` for an mtime or a mode that is not declared, before anything happens. An error that
   * is not `definite` may have published; any other left the temporary file as it was.
   */
  publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts>;
  /**
   * Takes a temporary file away from a stale writer by renaming it; `false` if it is gone. `unsupported`
   * unless that is the fence. After `true`, a publish with `replace: false` that was cut in its middle
   * may still stand at the final name: `probe(to, ...)` tells.
   */
  seize(temp: string, to: string): Promise<boolean>;
  /** Removes a temporary file; no error if it is gone. */
  abort(temp: string): Promise<void>;
  /**
   * After a crash between grant and receipt: was it published? (DESIGN section 7.7) It may finish the
   * removal of a temporary name whose file stands at the final one already.
   */
  probe(temp: string, expected: ProbeExpectation): Promise<"unpublished" | "published" | "unknown">;
  /**
   * How the service itself copies from `source`, or why it cannot: another host, other credentials. Nothing
   * is contacted. There wherever `serverCopy` is declared.
   */
  serverCopy?(source: SourceEndpoint): ServerCopy | NoServerCopy;
  /** Bytes that can still be written there, `null` where the place does not tell. */
  freeBytes?(signal: AbortSignal): Promise<number | null>;
  close(): Promise<void>;
}

/** Another way to fill a temporary file: the service copies, and no byte of it passes through us. */
export interface ServerCopy {
  /** Fewer bytes are moved as quickly by us. */
  readonly leastBytes: number;
  /**
   * What was copied counts by itself: a copy goes on at the end of a file that was reopened. `false`: it is
   * begun again, with an empty file.
   */
  readonly resumes: boolean;
  /**
   * Fills `file` from its end on, which is `order.from`, to the end of the source. Only the version
   * `order.expected` is copied: `changed` where the service finds another one. A service that does not do
   * it for us says `denied` or `unsupported`, and has copied nothing by this call that `truncate` does not
   * take back. The file stays unpublished, and open.
   */
  copy(file: SinkFile, order: CopyOrder): Promise<void>;
}

/** Why a service cannot copy, as words for a message. */
export interface NoServerCopy {
  readonly whyNot: string;
}

/** What a service is to copy. */
export interface CopyOrder {
  /** The version, as its source was seen. */
  readonly expected: Fingerprint;
  /** Of that version. */
  readonly size: number;
  /** Bytes that the file holds already, copied from the same version. */
  readonly from: number;
  readonly signal: AbortSignal;
  /** Told as it goes on: so many bytes from the start of the file are there. */
  readonly copied: (bytes: number) => void;
}

/** An open temporary file. */
export interface SinkFile {
  readonly temp: string;
  readonly fileId: string | null;
  /** The one name that it can be published as; where `null` or absent, any in its directory. */
  readonly boundTo?: string | null;
  size(): Promise<number>;
  /** Writes all of `bytes` at `at`; `noSpace` and `denied` are definite: nothing more was written. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Reads back up to `into.length` bytes; 0 at the end. `unsupported` without `readBack`. */
  read(into: Uint8Array, at: number): Promise<number>;
  /**
   * Cuts it at `size`; without `randomWrites`, where nothing can be cut in its middle, before it: then
   * `size()` tells where.
   */
  truncate(size: number): Promise<void>;
  /** What was written before is durable when this resolves; without `durableSync` it promises nothing. */
  sync(): Promise<void>;
  /** Idempotent. The temporary file stays. */
  close(): Promise<void>;
}

/**
 * Which places may be reached. A refusal is a `ProtocolError` with the code `forbidden`, whose message
 * names the place, the reason and the setting. `Env.net` of a context asks by itself.
 */
export interface Reach {
  /** Refuses what a URI says: its scheme, host, port or path. Nothing is resolved. */
  check(uri: string): void;
  /**
   * The address to connect to for a host, which is resolved once; every address it has was judged. Who
   * has sockets or programs of its own connects to this and to nothing else, and keeps the name for
   * TLS and host keys. It is the host itself where nothing is to be resolved.
   */
  addressFor(host: string, port: number): Promise<string>;
  /** Judges a host that is resolved elsewhere, such as behind a jump host, by its name alone. */
  checkHost(host: string, port: number): void;
}

/** What a protocol is given to work with. */
export interface ProtocolContext {
  readonly env: Env;
  /** What may be reached; `reachOf` (reach.ts) takes its place where it is left out. */
  readonly reach?: Reach;
}

/**
 * What a protocol says of itself before anything is opened. The capabilities are the most that its
 * ends can have: one that was opened says what holds at its place.
 */
export interface ProtocolDescription {
  /** One line: files of which places. */
  readonly summary: string;
  /** `null` where it is none. */
  readonly source: SourceCapabilities | null;
  readonly sink: SinkCapabilities | null;
  readonly directory: DirectoryCapabilities | null;
  /** The options of its endpoints, each with what it says. */
  readonly options: Readonly<Record<string, string>>;
}

/** One transfer protocol, as it is registered. */
export interface TransferProtocol {
  readonly name: string;
  /** URI schemes, lower case, without the colon. */
  readonly schemes: readonly string[];
  /** The kinds of credentials that it takes; none if left out. */
  readonly credentials?: readonly CredentialType[];
  /** Its row in `quorus protocols`. */
  readonly description?: ProtocolDescription;
  /** Checks the endpoint and prepares a source; nothing is contacted yet. */
  source?(endpoint: SourceEndpoint, context: ProtocolContext): Source;
  /** Checks the endpoint and prepares a sink; nothing is touched yet. */
  sink?(endpoint: SinkEndpoint, context: ProtocolContext): Sink;
  /** Checks the endpoint, whose URI ends in `/`, and prepares a directory; nothing is touched yet. */
  directory?(endpoint: Endpoint, context: ProtocolContext): Directory;
  /** Ends what it keeps open between transfers; nothing is asked of it afterwards. */
  close?(): Promise<void>;
}
