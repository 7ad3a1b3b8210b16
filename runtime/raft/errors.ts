/** Why something about a group was refused or failed. */

import { type ErrorFacts, QuorusError } from "../base/errors.ts";
import type { RefusalCode } from "./core/outputs.ts";

/** Every code of {@link RaftError}. */
export type RaftErrorCode =
  | RefusalCode
  /** It may have happened or not: ask again under the same session and sequence. */
  | "UnknownOutcome"
  /** Nobody could be asked in time; nothing has happened. */
  | "NoLeader"
  | "DeadlineExceeded"
  /** The group's member on this node has stopped. */
  | "Stopped"
  /** The session's time is over; what it asked for will not be done. */
  | "SessionExpired"
  | "SessionUnknown"
  | "TooManySessions"
  /** Its reply was acknowledged before and is gone. */
  | "AlreadyAcknowledged"
  /** Too many replies of the session are not acknowledged. */
  | "SessionWindow"
  /** The machine's `apply` threw: every member would; the group's member stops. */
  | "MachineFailed"
  /** The group is at a version of the machine that this program does not know; its member stops. */
  | "MachineVersion"
  /** Some member cannot apply such a command yet; nothing was done. */
  | "VersionHeld"
  /** The disk failed; after a failed sync nothing may be assumed, so the member stops. */
  | "DiskFailed"
  | "DiskFull"
  /** The Worker with the member's core and log has ended, or does not answer; the member has stopped. */
  | "WorkerLost"
  /** What the disk holds was damaged after it had been acknowledged. */
  | "LogCorrupt"
  | "LogVersion"
  | "SnapshotCorrupt"
  /** The folder belongs to another member or group, or to a running process. */
  | "WrongFolder"
  | "FolderLocked"
  /** A later holder has taken over. */
  | "StaleToken";

/** An error of a Raft group. `definite`: it is certain that a command was not and will not be applied. */
export class RaftError extends QuorusError<RaftErrorCode> {
  override readonly name = "RaftError";

  constructor(code: RaftErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}
