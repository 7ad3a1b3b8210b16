/** Paper hosts for `bench adaptive`: files of one size, behind a rate per connection or a bound on connections. */

import type {
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
  TransferProtocol,
} from "../../protocols/contract.ts";
import type { Directory, Entry } from "../../protocols/directory.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { paperSource } from "./paper_directory.ts";

const CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: false,
  mtime: true,
  permissions: false,
};

/** How a host behaves. */
export interface PaperHostOptions {
  readonly bytes: number;
  /** Until an answer to anything. */
  readonly answerMs: number;
  /** Of one connection; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** Connections at a time: more are refused. */
  readonly most?: number;
  /** Connections at a time from which on it gets slower, in all. */
  readonly thrashesFrom?: number;
}

/** See the head of this file: `paper:///N/` is a directory of so many files. */
export class PaperHost {
  /** Connections at a time, at most so far. */
  peak = 0;
  refused = 0;
  #open = 0;
  readonly #options: PaperHostOptions;

  constructor(options: PaperHostOptions) {
    this.#options = options;
  }

  protocol(): TransferProtocol {
    return {
      name: "paper",
      schemes: ["paper"],
      source: () => this.#source(),
      directory: (endpoint, context) =>
        this.#directory(paperSource().directory!(endpoint, context)),
    };
  }

  get #facts(): SourceFacts {
    const fingerprint = { size: this.#options.bytes, mtimeMs: 1_000, etag: `"1"`, version: null };
    return { fingerprint, ranges: true, mode: null, sha256: null };
  }

  #source(): Source {
    return {
      capabilities: CAPABILITIES,
      stat: async () => {
        await wait(this.#options.answerMs);
        return this.#facts;
      },
      open: async ({ start, end }) => {
        await wait(this.#options.answerMs);
        return this.#connect(start, end ?? this.#options.bytes);
      },
      close: () => Promise.resolve(),
    };
  }

  #connect(start: number, end: number): SourceReader {
    const { most = Infinity } = this.#options;
    if (this.#open >= most) {
      this.refused += 1;
      const message = `cannot open: the host has ${most} connections`;
      throw new ProtocolError("rateLimited", message, { definite: true });
    }
    this.#open += 1;
    this.peak = Math.max(this.peak, this.#open);
    let at = start;
    let isOpen = true;
    return {
      facts: this.#facts,
      read: async (into) => {
        const length = Math.min(into.length, end - at);
        await this.#send(length);
        into.fill(0x61, 0, length);
        at += length;
        return length;
      },
      confirm: () => Promise.resolve(this.#facts.fingerprint),
      close: () => {
        if (isOpen) this.#open -= 1;
        isOpen = false;
        return Promise.resolve();
      },
    };
  }

  /** The time that so many bytes take on one connection. */
  async #send(bytes: number): Promise<void> {
    const { bytesPerSecond, thrashesFrom = Infinity } = this.#options;
    if (bytesPerSecond === undefined || bytes === 0) return;
    // Twice as many as it bears bring half as much, all together.
    const over = Math.max(1, this.#open / thrashesFrom);
    await wait(bytes / bytesPerSecond * 1_000 * over * over);
  }

  /** The names are those of the paper directory; the files are this host's. */
  #directory(inner: Directory): Directory {
    const entryOf = (entry: Entry): Entry =>
      entry.kind === "file" ? { ...entry, fingerprint: this.#facts.fingerprint } : entry;
    return {
      capabilities: inner.capabilities,
      uriOf: (name) => inner.uriOf(name),
      list: async function* (signal) {
        for await (const page of inner.list(signal)) {
          yield { ...page, entries: page.entries.map(entryOf) };
        }
      },
      stat: () => Promise.resolve(null),
      remove: () => Promise.resolve(false),
      rename: () => Promise.resolve(false),
      makeDirectory: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

function wait(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
