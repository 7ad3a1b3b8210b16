/**
 * Directories of a place: what the sources of a wildcard are found with, and archived, moved or deleted
 * with once they are safe elsewhere. A protocol that has no such thing leaves
 * {@link TransferProtocol.directory} out; one whose places are flat (an object store) takes `/` in
 * its keys as the end of a directory.
 */

import type { Fingerprint } from "./contract.ts";

/** What a name stands for. A link is not followed: who wants what it points to opens it as a source. */
export type EntryKind = "file" | "directory" | "link" | "other";

/** One name in a directory, as a listing tells it. */
export interface Entry {
  /** One segment that `safeName` (containment.ts) lets pass. */
  readonly name: string;
  readonly kind: EntryKind;
  /** As far as a listing tells it: an open source may know more. */
  readonly fingerprint: Fingerprint;
  /** Permission bits, where the place has them. */
  readonly mode: number | null;
}

/** Some of the names, in no order. */
export interface EntryPage {
  readonly entries: readonly Entry[];
  /** Names that no file may have here, fit to be shown: a hostile or foreign server may send any. */
  readonly refused: readonly string[];
}

/** What can be done with names. */
export interface DirectoryCapabilities {
  readonly list: boolean;
  readonly remove: boolean;
  /** Within one place; without replacing where `renameNoReplace`. */
  readonly rename: boolean;
  readonly renameNoReplace: boolean;
  /** Directories exist by themselves; else they are as long as something is in them. */
  readonly makeDirectory: boolean;
}

/** How a file gets another name. */
export interface RenameOptions {
  /** `false`: `exists` if the name is taken, atomically where `renameNoReplace`. */
  readonly replace: boolean;
  /** Makes the directories of the new name. */
  readonly createDirectories: boolean;
}

/** One directory of a place. Every failure is a `ProtocolError`. */
export interface Directory {
  readonly capabilities: DirectoryCapabilities;
  /** The URI of a name in it: to be opened as a source, or, with a `/` behind it, as a directory. */
  uriOf(name: string): string;
  /**
   * All names, page by page: no more than a page is held where the place can be listed so. `notFound`
   * without the directory. Names that come or go meanwhile may be in it or not; others are in it once.
   */
  list(signal: AbortSignal): AsyncIterable<EntryPage>;
  /** What stands at the name, `null` if nothing does. */
  stat(name: string, signal: AbortSignal): Promise<Entry | null>;
  /**
   * Removes a file or an empty directory; `false` if it is gone. With `expected`, a file that is another
   * version stays and the call fails with `changed`: what nobody has copied is not deleted.
   */
  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean>;
  /**
   * Gives a file the place that `to`, a URI of the same service, names; `false` if it is gone.
   * `expected` as in {@link Directory.remove}. `unsupported` for another service.
   */
  rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Makes a directory of that name; one that is there is no error. */
  makeDirectory(name: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
