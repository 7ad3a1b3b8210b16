/**
 * What carries a member's core, log and snapshots, as the member sees it: in its own thread (`Driver`) or
 * in a Worker (`WorkerEngine`). The machine, and everybody who waits for an answer, stay on this side.
 */

import type { SnapshotMeta } from "./core/entry.ts";
import type { Input } from "./core/input.ts";
import type { RaftStatus } from "./core/status.ts";
import type { DriverHost } from "./driver.ts";
import type { RaftMeter } from "./raft_meter.ts";
import type { SnapshotStore, StoredSnapshot } from "./storage.ts";

/** See the head of this file. */
export interface Engine {
  /** The disk is full: nothing is confirmed until it has room again. */
  readonly isDiskFull: boolean;
  /** Restores the newest snapshot, then lets time pass. */
  start(): void;
  /** Anything that happened; order is kept. Ignored once it has stopped. */
  input(input: Input): void;
  /** Of a Worker: as it was told last, some tens of milliseconds ago at most. */
  status(): RaftStatus;
  /** A snapshot of state that has applied `index`; null while one is being taken. */
  snapshot(index: number, pieces: Iterable<Uint8Array>): Promise<SnapshotMeta | null>;
  /** The state's bytes of a snapshot that `restore` has named. */
  pieces(stored: StoredSnapshot): ReturnType<SnapshotStore["pieces"]>;
  /** Ends it; what is being written is written, and nobody is told. */
  stop(): Promise<void>;
}

/** Makes the engine of a member, which does not run before its `start`. */
export type EngineMaker = (host: DriverHost, meter: RaftMeter) => Engine;
