/** On the member's side: snapshots on their way to the Worker's disk and back from it. */

import type { Env } from "../env/env.ts";
import type { SnapshotMeta } from "./core/entry.ts";
import { fromEngineError, toEngineError } from "./engine_errors.ts";
import type { Block } from "./engine_frames.ts";
import type { EngineOrder, EngineReport } from "./engine_messages.ts";
import { PieceQueue, PieceWindow } from "./engine_pieces.ts";
import { RaftError } from "./errors.ts";
import type { RaftLimits } from "./limits.ts";
import { blocksOf } from "./snapshots/state_blocks.ts";
import type { StoredSnapshot } from "./storage.ts";

/** What both directions need. */
export interface EngineSnapshotsParts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly limits: RaftLimits;
  readonly post: (order: EngineOrder, blocks?: readonly Block[]) => void;
}

/** A snapshot that is being taken. */
interface Taking {
  readonly id: number;
  readonly window: PieceWindow;
  readonly done: PromiseWithResolvers<SnapshotMeta | null>;
}

/** Takes snapshots: state becomes pieces here, in slices, and a file there. */
export class SnapshotTaker {
  readonly #parts: EngineSnapshotsParts;
  #taking: Taking | null = null;
  #lastId = 0;

  constructor(parts: EngineSnapshotsParts) {
    this.#parts = parts;
  }

  /** Null while one is being taken. */
  async take(index: number, pieces: Iterable<Uint8Array>): Promise<SnapshotMeta | null> {
    if (this.#taking !== null) return null;
    this.#lastId += 1;
    const taking: Taking = {
      id: this.#lastId,
      window: new PieceWindow(this.#parts.limits.enginePieces),
      done: Promise.withResolvers(),
    };
    this.#taking = taking;
    try {
      await null; // the Worker has been told by then that `index` is applied
      this.#parts.post({ do: "snapshot", id: taking.id, index });
      void this.#feed(taking, pieces);
      return await taking.done.promise;
    } finally {
      this.#taking = null;
    }
  }

  taken(id: number): void {
    if (this.#taking?.id === id) this.#taking.window.give();
  }

  done({ id, snapshot, error }: Extract<EngineReport, { say: "snapshot" }>): void {
    if (this.#taking?.id !== id) return;
    this.#taking.window.close();
    if (error === null) this.#taking.done.resolve(snapshot);
    else this.#taking.done.reject(fromEngineError(error));
  }

  stop(error: RaftError): void {
    this.#taking?.window.close();
    this.#taking?.done.reject(error);
  }

  async #feed({ id, window, done }: Taking, pieces: Iterable<Uint8Array>): Promise<void> {
    const { post } = this.#parts;
    try {
      for await (const block of blocksOf(pieces, { ...this.#parts, areKept: true })) {
        if (!await window.take()) return;
        post({ do: "piece", id }, [block]);
      }
      post({ do: "pieces end", id, error: null });
    } catch (error) {
      done.reject(error); // as it was thrown: the machine's own
      post({ do: "pieces end", id, error: toEngineError(error) });
    }
  }
}

/** Snapshots that come to be restored, in the order in which the Worker named them. */
export class RestoreReader {
  readonly #post: EngineSnapshotsParts["post"];
  readonly #coming = new Map<number, { readonly stored: StoredSnapshot; queue: PieceQueue }>();
  #stopped: RaftError | null = null;

  constructor({ post }: Pick<EngineSnapshotsParts, "post">) {
    this.#post = post;
  }

  began(id: number, stored: StoredSnapshot): void {
    const taken = () => this.#post({ do: "taken", id });
    const over = () => {
      if (this.#coming.delete(id)) this.#post({ do: "drop", id });
    };
    this.#coming.set(id, { stored, queue: new PieceQueue(taken, over) });
  }

  piece(id: number, piece: Uint8Array): void {
    this.#coming.get(id)?.queue.push(piece);
  }

  ended({ id, error }: Extract<EngineReport, { say: "pieces end" }>): void {
    this.#coming.get(id)?.queue.end(error === null ? null : fromEngineError(error));
  }

  /** Those that came before and were not asked for never will be: a newer one has taken their place. */
  read(stored: StoredSnapshot): AsyncIterable<Uint8Array> {
    const queue = this.#claim(stored);
    if (this.#stopped !== null) queue.end(this.#stopped);
    return queue;
  }

  stop(error: RaftError): void {
    this.#stopped = error;
    for (const { queue } of this.#coming.values()) queue.end(error);
  }

  #claim({ snapshot, file }: StoredSnapshot): PieceQueue {
    for (const [id, { stored, queue }] of [...this.#coming]) {
      const isIt = stored.snapshot.index === snapshot.index && stored.file.crc === file.crc;
      if (isIt) return queue;
      this.#coming.delete(id);
      this.#post({ do: "drop", id });
    }
    const what = `the snapshot at ${snapshot.index} is gone before it was restored`;
    throw new RaftError("SnapshotCorrupt", `restore state: ${what}`);
  }
}
