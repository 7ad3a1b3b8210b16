/** The snapshot that is being received: piece by piece, over restarts, until it is whole and checked. */

import type { SnapshotFile } from "../core/messages.ts";
import type { StoredSnapshot } from "../storage.ts";
import { beginProgress, noteStep, type Progress, readProgress } from "./progress_file.ts";
import { SnapshotDraft } from "./snapshot_draft.ts";
import { encodeHead, isSameSnapshot } from "./snapshot_format.ts";
import type { SnapshotEnv, SnapshotOptions } from "./snapshot_options.ts";
import { readFully, type ReadSnapshot } from "./snapshot_reader.ts";

/** What came of a piece; `whole` once there is a snapshot. */
export interface Received {
  readonly nextOffset: number;
  readonly whole: ReadSnapshot | null;
}

interface Receiving {
  readonly stored: StoredSnapshot;
  readonly written: SnapshotFile;
  /** Where the next step goes in the progress file. */
  readonly progressAt: number;
}

const NOTHING: SnapshotFile = { bytes: 0, crc: 0 };

/** See the head of this file. Its calls do not overlap, and no file stays open between them. */
export class Receiver {
  readonly #env: SnapshotEnv;
  readonly #options: SnapshotOptions;
  #current: Receiving | null = null;

  constructor(env: SnapshotEnv, options: SnapshotOptions) {
    this.#env = env;
    this.#options = options;
  }

  async receive(stored: StoredSnapshot, offset: number, bytes: Uint8Array): Promise<Received> {
    const current = await this.#receiving(stored);
    const draft = await this.#draft(current);
    try {
      const at = current.written.bytes;
      const fits = offset === at && at + bytes.length <= stored.file.bytes;
      if (fits && bytes.length > 0) await this.#append(current, draft, bytes);
      const nextOffset = draft.written.bytes;
      if (nextOffset === stored.file.bytes) return await this.#finish(stored, draft);
      await draft.leave();
      return { nextOffset, whole: null };
    } catch (thrown) {
      this.#current = null;
      await draft.drop().catch(() => {}); // The first error says more.
      throw thrown;
    }
  }

  async #append(
    { stored, progressAt }: Receiving,
    draft: SnapshotDraft,
    bytes: Uint8Array,
  ): Promise<void> {
    await draft.append(bytes);
    const { written } = draft;
    const next = await noteStep(this.#env, this.#progressPath, progressAt, written);
    this.#current = { stored, written, progressAt: next };
  }

  async #finish(stored: StoredSnapshot, draft: SnapshotDraft): Promise<Received> {
    this.#current = null;
    if (draft.written.crc !== stored.file.crc) {
      this.#env.log.write("warn", "a snapshot came damaged and is received again", {
        folder: this.#options.folder,
        index: stored.snapshot.index,
      });
      await draft.drop();
      return { nextOffset: 0, whole: null };
    }
    // First: after a failed sync the state looks right and is not on the device, so nobody resumes it.
    await this.#env.disk.remove(this.#progressPath);
    const whole = await draft.finish();
    return { nextOffset: stored.file.bytes, whole };
  }

  async #receiving(stored: StoredSnapshot): Promise<Receiving> {
    if (this.#current !== null && isSameSnapshot(this.#current.stored, stored)) {
      return this.#current;
    }
    const written = await this.#earlier(stored);
    let progressAt = await beginProgress(this.#env, this.#progressPath, stored);
    if (written.bytes > 0) {
      progressAt = await noteStep(this.#env, this.#progressPath, progressAt, written);
    }
    return this.#current = { stored, written, progressAt };
  }

  #draft({ stored: { snapshot: meta }, written }: Receiving): Promise<SnapshotDraft> {
    const { syncEveryBytes } = this.#options.limits;
    const plan = { path: this.#path, meta, syncEveryBytes };
    return written.bytes === 0
      ? SnapshotDraft.begin(this.#env, plan)
      : SnapshotDraft.resume(this.#env, plan, written);
  }

  /** What an earlier life received of it, as far as it is right. */
  async #earlier(stored: StoredSnapshot): Promise<SnapshotFile> {
    const progress = await readProgress(this.#env, this.#progressPath);
    const isIt = progress !== null && isSameSnapshot(progress.stored, stored);
    return isIt ? await this.#rightPart(progress) : NOTHING;
  }

  /** The longest beginning of the state that has the CRC that was noted for it. */
  async #rightPart({ stored, steps }: Progress): Promise<SnapshotFile> {
    if (await this.#env.disk.stat(this.#path) === null) return NOTHING;
    const stateOffset = encodeHead(stored.snapshot).length;
    const file = await this.#env.disk.open(this.#path, { read: true });
    let right = NOTHING;
    let crc = 0;
    let at = 0;
    try {
      for (const step of steps) {
        while (at < step.bytes) {
          const length = Math.min(this.#options.limits.chunkBytes, step.bytes - at);
          const piece = await readFully(file, new Uint8Array(length), stateOffset + at);
          if (piece.length < length) return right;
          crc = this.#env.hash.crc32(piece, crc);
          at += length;
        }
        if (crc === step.crc) right = step;
      }
      return right;
    } finally {
      await file.close();
    }
  }

  get #path(): string {
    return `${this.#options.folder}/receiving.part`;
  }

  get #progressPath(): string {
    return `${this.#options.folder}/receiving.progress`;
  }
}
