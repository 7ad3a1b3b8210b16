/** Writes checkpoints while the pipeline goes on: sync the data, then say so. */

import { errorData, messageOf } from "../../runtime/base/errors.ts";
import type { Clock } from "../../runtime/env/env.ts";
import type { Fingerprint, SinkFile } from "../../protocols/contract.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import { ChunkDigests } from "./digests.ts";
import { JobError } from "./errors.ts";
import type { Lease } from "./record.ts";
import type { ChunkListener } from "./stages.ts";

/** What everybody needs who keeps how far a temporary file is. */
export interface Keeping {
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly jobId: string;
  readonly lease: Lease;
  readonly file: SinkFile;
  readonly fingerprint: Fingerprint;
  readonly chunkBytes: number;
  /** At most so many bytes are not kept, or, on slow links, each so many milliseconds. */
  readonly everyBytes: number;
  readonly everyMs: number;
}

/** What a checkpointer works with. */
export interface CheckpointerOptions extends Keeping {
  readonly digests: ChunkDigests;
  /** Chunks from the start that a stored checkpoint speaks of. */
  readonly storedChunks: number;
  /** Told after each checkpoint, with the digests that it holds. */
  readonly saved: (durable: ChunkDigests) => void;
}

/**
 * Saves the contiguous verified prefix of a temporary file, one checkpoint at a time. A failure
 * stops checkpointing. A failed sync shows at {@link Checkpointer.assertSynced}: a later sync of the
 * same file may succeed although its bytes are lost (fsyncgate, 2018).
 */
export class Checkpointer implements ChunkListener {
  readonly #options: CheckpointerOptions;
  #savedChunks: number;
  #savedMs: number;
  #underWay: Promise<void> | null = null;
  #failure: { error: unknown } | null = null;
  #syncFailure: { error: unknown } | null = null;
  #saves = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#savedChunks = options.storedChunks;
    this.#savedMs = options.clock.monotonic();
    if (this.#savedChunks > 0) this.#saves = 1;
  }

  /** A checkpoint of this temporary file exists: it is worth keeping. */
  get exists(): boolean {
    return this.#saves > 0;
  }

  /** `false` once a sync has failed: the file is worth nothing then. */
  get isSynced(): boolean {
    return this.#syncFailure === null;
  }

  /** Throws `temporaryDamaged` if a sync of the temporary file has failed. */
  async assertSynced(): Promise<void> {
    await this.settled();
    if (this.#syncFailure !== null) throw unsynced(this.#options.file, this.#syncFailure.error);
  }

  chunkDone(): void {
    if (this.#underWay !== null || this.#failure !== null) return;
    const { digests, chunkBytes, clock, everyBytes, everyMs } = this.#options;
    const chunks = digests.contiguous() - this.#savedChunks;
    if (chunks <= 0) return;
    // At half of it: the other half may arrive while this checkpoint is being written.
    const due = chunks * chunkBytes >= everyBytes / 2 ||
      clock.monotonic() - this.#savedMs >= everyMs;
    if (due) this.#start();
  }

  /** A disk that is slower than the source holds it back, or a crash would cost all in between. */
  async ready(): Promise<void> {
    const { digests, chunkBytes, everyBytes } = this.#options;
    while (
      this.#underWay !== null &&
      (digests.contiguous() - this.#savedChunks) * chunkBytes >= everyBytes
    ) await this.#underWay;
  }

  /** Keeps what is complete now, if anything is new; for an attempt that is told to stop. */
  async keep(): Promise<void> {
    await this.settled();
    if (this.#failure === null && this.#options.digests.contiguous() > this.#savedChunks) {
      this.#start();
      await this.settled();
    }
  }

  /** Resolves when no checkpoint is being written. */
  async settled(): Promise<void> {
    while (this.#underWay !== null) await this.#underWay;
  }

  #start(): void {
    this.#underWay = this.#save().catch((error) => {
      this.#failure = { error };
    }).finally(() => this.#underWay = null);
  }

  async #save(): Promise<void> {
    const { store, jobId, lease, file, fingerprint, chunkBytes, digests, clock } = this.#options;
    const chunks = digests.contiguous();
    await file.sync().catch((error) => {
      this.#syncFailure = { error };
      throw error;
    });
    const durable = new ChunkDigests(digests.bytes(0, chunks));
    const checkpoint = { lease, temp: file.temp, fingerprint, chunkBytes, digests: durable };
    await store.save(jobId, checkpoint, this.#savedChunks);
    this.#savedChunks = chunks;
    this.#savedMs = clock.monotonic();
    this.#saves += 1;
    this.#options.saved(durable);
  }
}

/** What a failed sync means for the file. */
export function unsynced(file: SinkFile, cause: unknown): JobError {
  const { retryable } = errorData(cause);
  return new JobError(
    "temporaryDamaged",
    `cannot make ${file.temp} durable: ${messageOf(cause)}; nothing was published`,
    { retryable, cause },
  );
}
