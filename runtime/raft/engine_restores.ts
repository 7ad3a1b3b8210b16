/** In the Worker: snapshots on their way to the member's machine. */

import type { Block } from "./engine_frames.ts";
import { toEngineError } from "./engine_errors.ts";
import type { EngineReport } from "./engine_messages.ts";
import { PieceWindow } from "./engine_pieces.ts";
import type { SnapshotStore, StoredSnapshot } from "./storage.ts";

/** See the head of this file. */
export class EngineRestores {
  readonly #snapshots: SnapshotStore;
  readonly #windowPieces: number;
  readonly #post: (report: EngineReport, blocks?: readonly Block[]) => void;
  readonly #open = new Map<number, PieceWindow>();
  #lastId = 0;

  constructor(
    snapshots: SnapshotStore,
    windowPieces: number,
    post: (report: EngineReport, blocks?: readonly Block[]) => void,
  ) {
    this.#snapshots = snapshots;
    this.#windowPieces = windowPieces;
    this.#post = post;
  }

  /** Its file is opened at once, so that the store may let go of its name. */
  begin(stored: StoredSnapshot): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const window = new PieceWindow(this.#windowPieces);
    this.#open.set(id, window);
    this.#post({ say: "restore", id, stored });
    void this.#send(id, stored, window);
  }

  taken(id: number): void {
    this.#open.get(id)?.give();
  }

  /** Nobody wants more of it. */
  drop(id: number): void {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }

  stop(): void {
    for (const id of [...this.#open.keys()]) this.drop(id);
  }

  async #send(id: number, stored: StoredSnapshot, window: PieceWindow): Promise<void> {
    try {
      for await (const piece of this.#snapshots.pieces(stored)) {
        if (!await window.take()) return;
        this.#post({ say: "piece", id }, [piece]);
      }
      this.#post({ say: "pieces end", id, error: null });
    } catch (error) {
      this.#post({ say: "pieces end", id, error: toEngineError(error) });
    } finally {
      this.#open.delete(id);
    }
  }
}
