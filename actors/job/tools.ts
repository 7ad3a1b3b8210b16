/** What the parts of an attempt share. */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Throttles } from "../../protocols/wrappers/throttle.ts";
import type { Source } from "../../protocols/contract.ts";
import type { ProtocolRegistry } from "../../protocols/registry.ts";
import type { Command } from "../controller/commands.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import type { Ways } from "../adaptive/ways.ts";
import type { BufferPool, Window } from "./buffers.ts";
import type { ChunkTimes } from "./chunk_times.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { Ends, Reveal } from "./ends.ts";
import type { Meter } from "./meter.ts";
import type { Job, Lease } from "./record.ts";

/** What an agent gives its attempts. */
export interface AttemptTools {
  readonly env: Env;
  readonly protocols: ProtocolRegistry;
  readonly reveal: Reveal;
  /** Commits a command; resolves to the reasons why it did not hold, empty if it did. */
  readonly propose: (command: Command) => Promise<readonly string[]>;
  readonly checkpoints: CheckpointStore;
  readonly buffers: BufferPool;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
  /** `false` gives up durability for speed. */
  readonly sync: boolean;
  /** Longer files, and those whose length nobody knows, are carried out elsewhere; absent: all here. */
  readonly mostBytes?: number;
  /** What this thread has learnt about how much at a time is best; absent: as it is declared. */
  readonly ways?: Ways;
  /** How long chunks take on this thread; absent: nobody counts that. */
  readonly chunks?: ChunkTimes;
  /** What transfers may use of the bandwidth, where that is bounded by rules. */
  readonly throttles?: Throttles;
  /** Sources that other agents read; absent: each is read here. */
  readonly relaying?: RelayedSources;
  /** Whose checkpoints other agents are told; `null`: there are no others. */
  readonly replication: Replication | null;
}

/** Opens sources that other agents read (`../relay`). */
export interface RelayedSources {
  /** The source of a job whose lease names a reader, linked and ready; JobError `relayLost`, or why not. */
  source(job: Job, signal: AbortSignal): Promise<Source>;
  /** A controller says that this node waits for our link. */
  call(node: string, url: string): void;
}

/** Which checkpoints are replicated, and how many. */
export interface Replication {
  /** Another agent could read the temporary file. */
  isShared(spec: TransferSpec): boolean;
  /** One more may be reported now: all attempts of the agent share a rate. */
  take(): boolean;
}

/** A leased job on its way through one attempt. */
export interface Attempt {
  readonly tools: AttemptTools;
  readonly job: Job;
  readonly lease: Lease;
  readonly ends: Ends;
  readonly window: Window;
  readonly meter: Meter;
  readonly signal: AbortSignal;
  readonly startedMs: number;
}

/** The reason with which an attempt's signal is aborted when its lease is to be handed back. */
export class Released extends Error {
  override readonly name: string = "Released";
}

/** The file is longer than what is carried out here (`mostBytes`): nothing was written yet. */
export class Elsewhere extends Error {
  override readonly name = "Elsewhere";
}

/** The reason when the lease is over already: nothing may be published any more. */
export class Revoked extends Released {
  override readonly name = "Revoked";
}
