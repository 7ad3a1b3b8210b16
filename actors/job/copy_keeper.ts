/** Checkpoints of a file that the service fills: so many bytes from its start are there and durable. */

import { type Keeping, unsynced } from "./checkpointer.ts";
import { ChunkDigests } from "./digests.ts";

/** What a keeper works with. */
export interface CopyKeeperOptions extends Keeping {
  /** Bytes that a stored checkpoint speaks of. */
  readonly storedBytes: number;
}

/**
 * Saves how far a copy is, one checkpoint at a time, after the file was synced. A failure stops that; a
 * failed sync shows at {@link CopyKeeper.assertSynced}, as a later one may succeed without the bytes.
 */
export class CopyKeeper {
  readonly #options: CopyKeeperOptions;
  #copiedBytes: number;
  #savedBytes: number;
  #savedMs: number;
  #underWay: Promise<void> | null = null;
  #hasFailed = false;
  #syncFailure: { readonly error: unknown } | null = null;

  constructor(options: CopyKeeperOptions) {
    this.#options = options;
    this.#copiedBytes = this.#savedBytes = options.storedBytes;
    this.#savedMs = options.clock.monotonic();
  }

  /** A checkpoint speaks of the file, which can be gone on with. */
  get isWorthKeeping(): boolean {
    return this.#savedBytes > 0 && this.#syncFailure === null;
  }

  /** So many bytes from the start are there. */
  note(copiedBytes: number): void {
    this.#copiedBytes = Math.max(this.#copiedBytes, copiedBytes);
    if (this.#underWay !== null || this.#hasFailed) return;
    const { clock, everyBytes, everyMs } = this.#options;
    const unsaved = this.#copiedBytes - this.#savedBytes;
    if (unsaved <= 0) return;
    // At half of it: the other half may arrive while this checkpoint is being written.
    if (unsaved >= everyBytes / 2 || clock.monotonic() - this.#savedMs >= everyMs) this.#start();
  }

  /** Throws `temporaryDamaged` if a sync of the file has failed. */
  async assertSynced(): Promise<void> {
    await this.settled();
    if (this.#syncFailure !== null) throw unsynced(this.#options.file, this.#syncFailure.error);
  }

  /** Keeps what there is now; for an attempt that is told to stop. */
  async keep(): Promise<void> {
    await this.settled();
    if (this.#hasFailed || this.#copiedBytes <= this.#savedBytes) return;
    this.#start();
    await this.settled();
  }

  async settled(): Promise<void> {
    while (this.#underWay !== null) await this.#underWay;
  }

  #start(): void {
    this.#underWay = this.#save().catch(() => {
      this.#hasFailed = true;
    }).finally(() => this.#underWay = null);
  }

  async #save(): Promise<void> {
    const { store, jobId, lease, file, fingerprint, chunkBytes, clock } = this.#options;
    const copiedBytes = this.#copiedBytes;
    await file.sync().catch((error) => {
      this.#syncFailure = { error };
      throw error;
    });
    const digests = new ChunkDigests();
    const checkpoint = { lease, temp: file.temp, fingerprint, chunkBytes, digests, copiedBytes };
    await store.save(jobId, checkpoint, 0);
    this.#savedBytes = copiedBytes;
    this.#savedMs = clock.monotonic();
  }
}
