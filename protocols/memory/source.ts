/** Reading from a memory store. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import { abortedError, assertNotAborted } from "../aborting.ts";
import { shownPath } from "../containment.ts";
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
import { protocolLimits } from "../limits.ts";
import { callStore } from "./call.ts";
import type { MemoryOperation } from "./operations.ts";
import type { MemoryStore, StoredFile } from "./store.ts";

/** What a memory source works with. */
export interface MemorySourceParts {
  readonly store: MemoryStore;
  readonly client: Env;
  readonly path: string;
  readonly idleTimeoutMs: number | null;
}

/** What the sources of a store can do. */
export function sourceCapabilities(store: MemoryStore): SourceCapabilities {
  const ranges = store.options.ranges !== false;
  return {
    ranges,
    parallelRanges: ranges && store.options.parallelRanges !== false,
    serverHash: false,
    mtime: true,
    permissions: true,
  };
}

function standing({ store, path }: MemorySourceParts): StoredFile {
  const file = store.files.get(path);
  if (file !== undefined) return file;
  throw new ProtocolError(
    "notFound",
    `cannot read ${shownPath(path)} from memory: there is no such file`,
  );
}

/** What tells one version of a stored file from another. */
export function fingerprintOf(file: StoredFile): Fingerprint {
  const { bytes, mtimeMs, version } = file;
  return { size: bytes.length, mtimeMs, etag: `"${version}"`, version: null };
}

function factsOf({ store, path }: MemorySourceParts, file: StoredFile): SourceFacts {
  const faults = store.faultsOf(path);
  const fingerprint = fingerprintOf(file);
  return {
    fingerprint: faults.noLength === true ? { ...fingerprint, size: null } : fingerprint,
    ranges: sourceCapabilities(store).ranges && faults.noRanges !== true,
    mode: file.mode,
    sha256: null,
  };
}

/** A source at an absolute path of the store. */
export function memorySource(parts: MemorySourceParts): Source {
  const { store, client, path } = parts;
  return {
    capabilities: sourceCapabilities(store),
    stat: (signal) =>
      callStore(
        store,
        client,
        { operation: "stat", path, signal },
        () => factsOf(parts, standing(parts)),
      ),
    open: (range, expected, signal) =>
      callStore(store, client, { operation: "open", path, signal }, () => {
        const facts = factsOf(parts, standing(parts));
        if (expected !== null) {
          assertSameVersion(`read ${shownPath(path)} from memory`, expected, facts.fingerprint);
        }
        assertRange(path, range, facts);
        return new MemoryReader(parts, facts, range, signal);
      }),
    close: () => Promise.resolve(),
  };
}

function assertRange(path: string, range: ByteRange, facts: SourceFacts): void {
  const whole = range.start === 0 && range.end === null;
  const { size } = facts.fingerprint;
  if (whole || (facts.ranges && (size === null || range.start <= size))) return;
  throw new ProtocolError(
    "rangeNotSupported",
    `cannot read ${shownPath(path)} from memory from byte ${range.start} on: ` +
      (facts.ranges ? `it has ${size} bytes` : "it is served as a whole only"),
  );
}

class MemoryReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #parts: MemorySourceParts;
  readonly #signal: AbortSignal;
  readonly #end: number | null;
  /** Ends a read that waits for a silent source. */
  readonly #closing = new AbortController();
  #position: number;
  #atEnd = false;

  constructor(
    parts: MemorySourceParts,
    facts: SourceFacts,
    range: ByteRange,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.facts = facts;
    this.#signal = signal;
    this.#position = range.start;
    this.#end = range.end ?? facts.fingerprint.size;
  }

  async read(into: Uint8Array): Promise<number> {
    assertNotAborted(`read ${shownPath(this.#parts.path)}`, this.#signal);
    assert(into.length > 0, "a read has room for a byte");
    if (this.#atEnd) return 0;
    const part = await this.#call("read", () => this.#take(into.length));
    if (part === null) return await this.#silence();
    // Not where it lands: that may be after the caller has given up, and uses its buffer again.
    into.set(part);
    return part.length;
  }

  confirm(): Promise<Fingerprint> {
    return this.#call("confirm", () => factsOf(this.#parts, standing(this.#parts)).fingerprint);
  }

  close(): Promise<void> {
    this.#closing.abort(new Error("the reader was closed"));
    return Promise.resolve();
  }

  #call<T>(operation: MemoryOperation, act: () => T): Promise<T> {
    const { store, client, path } = this.#parts;
    return callStore(store, client, { operation, path, signal: this.#signal }, act);
  }

  /** What comes next; `null` where the source falls silent. */
  #take(room: number): Uint8Array | null {
    const { store, path } = this.#parts;
    const faults = store.faultsOf(path);
    store.changeIfDue(path, this.#position);
    const { bytes } = standing(this.#parts);
    const wanted = this.#wanted(room, bytes.length, faults.stallAtBytes);
    if (wanted === null) return null;
    const limit = Math.min(bytes.length, faults.truncateAtBytes ?? Infinity);
    const part = bytes.subarray(this.#position, Math.min(this.#position + wanted, limit));
    this.#position += part.length;
    if (part.length === 0) this.#finish(limit, faults.oneByteMore === true);
    return part;
  }

  #wanted(room: number, size: number, stallAt: number | undefined): number | null {
    const left = (this.#end ?? size) - this.#position;
    const wanted = Math.max(0, Math.min(room, left));
    if (stallAt === undefined || wanted === 0) return wanted;
    return this.#position >= stallAt ? null : Math.min(wanted, stallAt - this.#position);
  }

  /** Nothing more comes: because everything came, or too early, or in spite of one byte more. */
  #finish(limit: number, oneByteMore: boolean): void {
    const end = this.#end ?? limit;
    const shown = shownPath(this.#parts.path);
    if (this.#position < end) {
      throw new ProtocolError(
        "truncated",
        `cannot read ${shown} from memory beyond byte ${this.#position} of ${end}: it ended early`,
      );
    }
    if (oneByteMore) {
      throw new ProtocolError(
        "tooLong",
        `cannot read ${shown} from memory: it has more than the ${end} bytes it announced`,
      );
    }
    this.#atEnd = true;
  }

  #silence(): Promise<never> {
    const { client, path, idleTimeoutMs } = this.#parts;
    const afterMs = idleTimeoutMs ?? protocolLimits.memoryIdleTimeoutMs;
    return new Promise((_resolve, reject) => {
      const ended = AbortSignal.any([this.#signal, this.#closing.signal]);
      const stop = () => {
        idle.cancel();
        reject(abortedError(`read ${shownPath(path)}`, ended));
      };
      const idle = client.timers.after(afterMs, () => {
        ended.removeEventListener("abort", stop);
        reject(
          new ProtocolError(
            "timeout",
            `cannot read ${shownPath(path)} from memory: nothing came for ${afterMs} ms`,
          ),
        );
      });
      ended.addEventListener("abort", stop, { once: true });
      if (ended.aborted) stop();
    });
  }
}
