/** Files in memory that behave like a remote store, with faults on request and a history of their own. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { SinkCapabilities } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import type { MemoryEvent, MemoryFailure, MemoryFaults, MemoryOperation } from "./operations.ts";
import type { Upload } from "./upload.ts";

/** How a store behaves; the default is like a local disk with no delays. */
export interface MemoryStoreOptions {
  /** What its sinks declare and hold to; `fence: "seize"` and everything else unless set. */
  readonly sink?: Partial<SinkCapabilities>;
  readonly ranges?: boolean;
  readonly parallelRanges?: boolean;
  /** Milliseconds until a call reaches the store, and until its answer reaches the client. */
  readonly delayMs?: (operation: MemoryOperation) => readonly [requestMs: number, replyMs: number];
  /** A call that was sent reaches the store even if its client dies or gives up meanwhile. */
  readonly landAfterDeath?: boolean;
  /** What one call copies where its sinks declare `serverCopy`. */
  readonly copyPieceBytes?: number;
}

/** A published file; its bytes are never changed, only replaced. */
export interface StoredFile {
  readonly bytes: Uint8Array;
  readonly fileId: string;
  readonly version: number;
  readonly mtimeMs: number;
  readonly mode: number;
}

const EVERYTHING: SinkCapabilities = {
  fence: "seize",
  resume: true,
  randomWrites: true,
  renameNoReplace: true,
  durableSync: true,
  fileId: true,
  readBack: true,
  mtime: true,
  permissions: true,
};

const PUT_MODE = 0o644;

/** The store behind one {@link memoryProtocol}; it lives in its own Env and outlives its clients. */
export class MemoryStore {
  readonly env: Env;
  readonly options: MemoryStoreOptions;
  readonly sinkCapabilities: SinkCapabilities;
  readonly files = new Map<string, StoredFile>();
  /** Temporary files, by path; not visible to sources. */
  readonly uploads = new Map<string, Upload>();
  readonly #history: MemoryEvent[] = [];
  readonly #faults = new Map<string, MemoryFaults>();
  readonly #failed = new Map<MemoryFailure, number>();
  /** Final path to the newest token that was given out for it. */
  readonly #tokens = new Map<string, number>();
  #counter = 0;

  constructor(env: Env, options: MemoryStoreOptions = {}) {
    this.env = env;
    this.options = options;
    this.sinkCapabilities = { ...EVERYTHING, ...options.sink };
  }

  /** Every change so far, oldest first. */
  get history(): readonly MemoryEvent[] {
    return this.#history;
  }

  /** Puts a file there as if somebody else had; a new version each time. */
  put(path: string, bytes: Uint8Array, facts: { mtimeMs?: number; mode?: number } = {}): void {
    const file = {
      bytes: bytes.slice(),
      fileId: this.nextFileId(),
      version: this.next(),
      mtimeMs: facts.mtimeMs ?? this.env.clock.now(),
      mode: facts.mode ?? PUT_MODE,
    };
    this.files.set(path, file);
    this.record("put", path, file.fileId, { bytes: file.bytes, size: file.bytes.length });
  }

  /** A copy of what stands at `path`, `null` if nothing does. */
  get(path: string): Uint8Array | null {
    return this.files.get(path)?.bytes.slice() ?? null;
  }

  /** Replaces what is wrong with `path`; nothing when left out. */
  setFaults(path: string, faults: MemoryFaults = {}): void {
    this.#faults.set(path, faults);
  }

  faultsOf(path: string): MemoryFaults {
    return this.#faults.get(path) ?? {};
  }

  /** The failure that this call is to suffer, counted as suffered. */
  takeFailure(path: string, operation: MemoryOperation): MemoryFailure | null {
    for (const failure of this.faultsOf(path).failures ?? []) {
      const suffered = this.#failed.get(failure) ?? 0;
      if (failure.operation !== operation || suffered >= failure.times) continue;
      this.#failed.set(failure, suffered + 1);
      return failure;
    }
    return null;
  }

  /** Puts the bytes that `path` is to have once somebody has come to `position`. */
  changeIfDue(path: string, position: number): void {
    const { change, ...rest } = this.faultsOf(path);
    if (change === undefined || position < change.atBytes) return;
    this.setFaults(path, rest);
    this.put(path, change.bytes);
  }

  /** A number that was never given before. */
  next(): number {
    return this.#counter += 1;
  }

  nextFileId(): string {
    return `memory-${this.next()}`;
  }

  /** Makes `upload` the one that may publish to `finalPath`, as a sink with token fences does. */
  grantToken(finalPath: string, upload: Upload): void {
    upload.token = this.next();
    this.#tokens.set(finalPath, upload.token);
  }

  holdsToken(finalPath: string, upload: Upload): boolean {
    return this.#tokens.get(finalPath) === upload.token;
  }

  sha256(bytes: Uint8Array): string {
    const hasher = this.env.hash.sha256();
    hasher.update(bytes);
    return hasher.digestHex();
  }

  record(
    operation: MemoryEvent["operation"],
    path: string,
    fileId: string,
    facts: { to?: string; at?: number; size: number; bytes?: Uint8Array },
  ): void {
    // Forgetting old events would let an oracle call a broken history sound.
    assert(
      this.#history.length < protocolLimits.memoryHistoryEventsMax,
      "a memory store's history holds at most memoryHistoryEventsMax events",
    );
    this.#history.push({
      sequence: this.#history.length,
      atMs: this.env.clock.now(),
      operation,
      path,
      to: facts.to ?? null,
      fileId,
      at: facts.at ?? null,
      size: facts.size,
      sha256: facts.bytes === undefined ? null : this.sha256(facts.bytes),
    });
  }
}
