/** What a memory store can be asked, made to fail at, and remembers. */

import type { ProtocolErrorCode } from "../errors.ts";

/** One kind of call that reaches a store. */
export type MemoryOperation =
  | "stat"
  | "open"
  | "read"
  | "confirm"
  | "create"
  | "reopen"
  | "write"
  | "readBack"
  | "truncate"
  | "sync"
  | "copy"
  | "publish"
  | "seize"
  | "abort"
  | "probe"
  | "list"
  | "remove"
  | "rename"
  | "hash";

/** Something that changed the store. The oracles of tests read these, not the clients' records. */
export interface MemoryEvent {
  readonly sequence: number;
  /** Of the store's own clock. */
  readonly atMs: number;
  readonly operation:
    | "put"
    | "create"
    | "write"
    | "truncate"
    | "publish"
    | "seize"
    | "abort"
    | "remove"
    | "rename";
  readonly path: string;
  /** The final path of a publish, the new one of a seizure or of a rename. */
  readonly to: string | null;
  readonly fileId: string;
  /** Position of a write, else `null`. */
  readonly at: number | null;
  /** Bytes written by a write, else the size of the whole file. */
  readonly size: number;
  /** Of the bytes written by a write, of the whole file for put and publish, else `null`. */
  readonly sha256: string | null;
}

/** A call that fails on purpose. */
export interface MemoryFailure {
  readonly operation: MemoryOperation;
  readonly times: number;
  readonly code: ProtocolErrorCode;
  /** The call takes effect and only its answer is lost: the error is not `definite`. */
  readonly applied?: boolean;
}

/** What is wrong with one path of a store. */
export interface MemoryFaults {
  /** The source announces its full size and ends here. */
  readonly truncateAtBytes?: number;
  /** Once a read has passed `atBytes` the file has other bytes, also for what this reader still gets. */
  readonly change?: { readonly atBytes: number; readonly bytes: Uint8Array };
  /** The source delivers a byte more than it announced. */
  readonly oneByteMore?: boolean;
  readonly noLength?: boolean;
  readonly noRanges?: boolean;
  /** Reads fall silent here. */
  readonly stallAtBytes?: number;
  readonly failures?: readonly MemoryFailure[];
}
