/** What a member needs of a disk. One suite for every implementation (`tests/runtime/raft`). */

import type { MemberId, SnapshotMeta } from "./core/entry.ts";
import type { SnapshotFile } from "./core/messages.ts";
import type { Restored } from "./core/options.ts";
import type { PersistOrder } from "./core/outputs.ts";

/** The durable log of one member, open. Errors are `RaftError`s; a failed one has closed it for good. */
export interface RaftLogStore {
  /** What the disk held when it was opened; taken once. */
  readonly restored: Restored;
  /**
   * Carries an order out; resolves when it and all before it are durable. Calls may overlap: they take
   * effect in order, and those that wait together share one sync.
   */
  persist(order: PersistOrder): Promise<void>;
  /** Entries up to `index` are no longer needed; frees whole files. */
  compact(index: number): Promise<void>;
  close(): Promise<void>;
}

/** A durable snapshot. */
export interface StoredSnapshot {
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
}

/** The state of a snapshot, each piece made when it is asked for. */
export type SnapshotPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The snapshots of one member. At most two are kept, and one that is being received. */
export interface SnapshotStore {
  /** The newest whole one. */
  newest(): StoredSnapshot | null;
  /** Writes one beside the others in turns of the event loop, syncs it, and gives it its name. */
  take(snapshot: SnapshotMeta, pieces: SnapshotPieces): Promise<StoredSnapshot>;
  /** Up to `length` bytes at `offset`; null if that file is gone. */
  read(stored: StoredSnapshot, offset: number, length: number): Promise<Uint8Array | null>;
  /** The state's bytes, in pieces, checked against the CRC at the end. */
  pieces(stored: StoredSnapshot): AsyncIterable<Uint8Array>;
  /**
   * Keeps a piece of one that is sent to us; pieces without bytes ask. Another file than the one that is
   * being received replaces it. `complete` means whole, checked, synced and named.
   */
  receive(
    stored: StoredSnapshot,
    offset: number,
    bytes: Uint8Array,
  ): Promise<{ readonly nextOffset: number; readonly complete: boolean }>;
}

/** Who this member is; a folder belongs to one member of one group for ever. */
export interface StoreIdentity {
  readonly group: string;
  readonly member: MemberId;
}
