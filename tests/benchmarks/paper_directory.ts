/** Directories of any number of names, made while they are listed: nothing of them is kept. */

import type { Fingerprint, Sink, Source, TransferProtocol } from "../../protocols/contract.ts";
import type { Directory, Entry, EntryPage } from "../../protocols/directory.ts";
import { discardProtocol, generatedProtocol } from "./generated.ts";

const PAGE = 1_000;
/** Names of one directory below the first; the rest are in its brothers. */
const DIRECTORY = 50_000;
const FILE_BYTES = 1_024;

/** `paper:///N/` is a directory with so many files below it, in directories of 50,000. */
export function paperSource(): TransferProtocol {
  // One for all: it is made of a pattern of some kilobytes, and keeps nothing of its readers.
  const { source } = generatedProtocol();
  let shared: Source | null = null;
  return {
    name: "paper",
    schemes: ["paper"],
    source: (endpoint, context) =>
      shared ??= source!({ ...endpoint, uri: `generated:${FILE_BYTES}` }, context),
    directory: ({ uri }) => new PaperDirectory(uri),
  };
}

/** A sink that has every file already, or none, and keeps nothing. */
export function paperSink(isThere: boolean): TransferProtocol {
  const discard = discardProtocol().sink!;
  return {
    name: "shredder",
    schemes: ["shredder"],
    sink: (endpoint, context): Sink => {
      const sink = discard(endpoint, context);
      const standing = { size: FILE_BYTES, mtimeMs: 0, fileId: null };
      return {
        ...sink,
        capabilities: { ...sink.capabilities, mtime: true },
        name: endpoint.uri.slice(endpoint.uri.lastIndexOf("/") + 1),
        stat: () => Promise.resolve(isThere ? standing : null),
      };
    },
  };
}

const FINGERPRINT: Fingerprint = { size: FILE_BYTES, mtimeMs: 0, etag: null, version: null };

class PaperDirectory implements Directory {
  readonly capabilities = {
    list: true,
    remove: false,
    rename: false,
    renameNoReplace: false,
    makeDirectory: false,
  };
  readonly #uri: string;
  readonly #names: number;
  readonly #isDeep: boolean;

  constructor(uri: string) {
    const [, names = "0", deep] = /^paper:\/\/\/(\d+)\/(?:d(\d+)\/)?$/.exec(uri) ?? [];
    this.#uri = uri;
    this.#isDeep = deep !== undefined;
    this.#names = deep === undefined
      ? Math.ceil(Number(names) / DIRECTORY)
      : Math.min(DIRECTORY, Number(names) - Number(deep) * DIRECTORY);
  }

  uriOf(name: string): string {
    return this.#uri + name;
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    for (let at = 0; at < this.#names; at += PAGE) {
      signal.throwIfAborted();
      // As a page of a real one comes: in a turn of its own.
      await new Promise<void>((resolve) => setTimeout(resolve));
      const entries: Entry[] = [];
      for (let n = at; n < Math.min(at + PAGE, this.#names); n++) entries.push(this.#entry(n));
      yield { entries, refused: [] };
    }
  }

  stat(): Promise<Entry | null> {
    return Promise.resolve(this.#entry(0));
  }
  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }
  rename(): Promise<boolean> {
    return Promise.resolve(false);
  }
  makeDirectory(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  #entry(n: number): Entry {
    return this.#isDeep
      ? { name: `file-${n}.csv`, kind: "file", fingerprint: FINGERPRINT, mode: null }
      : { name: `d${n}`, kind: "directory", fingerprint: FINGERPRINT, mode: null };
  }
}
