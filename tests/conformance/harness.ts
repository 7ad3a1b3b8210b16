/**
 * What a protocol's test gives to the conformance suite.
 *
 * The suite asks for situations ("the source now ends early"); how they are brought about is the
 * harness's affair. A method that is left out says that the situation cannot be provoked there.
 */

import type {
  Endpoint,
  ProtocolContext,
  SinkEndpoint,
  SourceEndpoint,
  TransferProtocol,
} from "../../protocols/contract.ts";

/** Called after the source was opened and read from once; where that is too late it does nothing. */
export type AfterOpening = () => Promise<void>;

/** A place that files are read from. */
export interface SourceHarness {
  /** The URI of the file `name`, encoded as the protocol wants it. */
  uri(name: string): string;
  /** Puts a file there, or a new version in its place that a fingerprint can tell from the last. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Merged into every endpoint. */
  readonly endpoint?: Partial<SourceEndpoint>;
  /** Names that cannot exist there at all. */
  refusesName?(name: string): boolean;
  /** The file announces its size and then ends after `atBytes`. */
  truncate?(name: string, atBytes: number): Promise<AfterOpening>;
  /** The file delivers one byte more than its size said. */
  oneByteMore?(name: string): Promise<AfterOpening>;
  /** The file does not tell its size. */
  noLength?(name: string): Promise<void>;
  /** The file is served as a whole only. */
  noRanges?(name: string): Promise<void>;
  /** Only reading a file tells how long it is, and which version it is: it is compressed there. */
  readonly tellsSize?: false;
  /** Reading the file is forbidden. */
  deny?(name: string): Promise<void>;
  /** Nothing more comes after the first `atBytes`, not even an error. */
  stall?(name: string, atBytes: number): Promise<void>;
}

/** A place that files are written to. */
export interface SinkHarness {
  uri(name: string): string;
  /** What another reader sees at `name`, `null` if nothing. */
  published(name: string): Promise<Uint8Array | null>;
  /** A file that stood there before. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  readonly endpoint?: Partial<SinkEndpoint>;
  /** As in {@link SourceHarness}. */
  readonly tellsSize?: false;
  /** Times are kept in steps of this; exactly unless set. */
  readonly mtimeGrainMs?: number;
  /** Permission bits of a published file. */
  mode?(name: string): Promise<number>;
  /** Names that cannot exist there at all. */
  refusesName?(name: string): boolean;
  /** Directories exist there, and must be made before files can be in them. */
  readonly directories?: boolean;
}

/** A place whose directories are looked at and changed. */
export interface DirectoryHarness {
  /** The URI of a path below the place, `""` for the place itself; directories end in `/`. */
  uri(path: string): string;
  /** Puts a file at a path, directories made on the way; another version in its place. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  readonly endpoint?: Partial<Endpoint>;
  /** More names than one page of its listing holds; 1,100 unless set. */
  readonly manyEntries?: number;
}

/** One protocol in one fresh place. */
export interface Harness {
  readonly protocol: TransferProtocol;
  readonly context: ProtocolContext;
  readonly source?: SourceHarness;
  readonly sink?: SinkHarness;
  readonly directory?: DirectoryHarness;
  /** Runs a case to its end; a simulated world turns its clock here. Default: just awaits it. */
  run?(body: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
