/**
 * What one transfer is told to do: plain JSON, every variable resolved, secrets still references.
 *
 * The planner writes it, the job reads it. Nothing here can be a secret value: whoever opens the
 * source resolves {@link Sealed} parts at that moment and forgets them again.
 */

import type { AuthField, AuthType } from "./credentials.ts";

/** Literal text, or a reference that only the agent that opens the source may resolve. */
export type SealedPart =
  | string
  | { readonly secret: string }
  | { readonly env: string }
  | { readonly file: string };

/** Text whose references are resolved where it is used, never before: joined part by part. */
export type Sealed = readonly SealedPart[];

/** What happens when the destination exists; `skip` leaves an equal file alone and replaces another one. */
export type ConflictPolicy = "overwrite" | "fail" | "skip" | "rename";

/** The least verification that must be reached before a file is published. */
export type VerificationLevel = "none" | "size" | "source" | "reread";

/** How the delay grows between attempts. */
export type Backoff = "exponential" | "linear" | "fixed";

/** Credentials of an end; an `authentication` of type `header` is found in `headers` instead. */
export type AuthSpec =
  & { readonly type: AuthType }
  & { readonly [field in AuthField]?: Sealed };

/** PEM texts by reference: a declared file path is a `{file}` part. */
export interface TlsSpec {
  readonly ca: Sealed | null;
  readonly cert: Sealed | null;
  readonly key: Sealed | null;
}

/** How the files of an end look at rest. */
export interface AtRestSpec {
  readonly compression: "gzip" | "zstd" | null;
  /** Plain bytes for each compressed one, beyond which a source is a bomb; `null` for the default. */
  readonly maxRatio: number | null;
  /** Of 32 bytes each, as text: the first one seals, any of them opens; empty: nothing is sealed. */
  readonly keys: readonly Sealed[];
}

/** How an end is reached; `timeoutMs` bounds the wait for its answer. */
export interface AccessSpec {
  readonly headers: Readonly<Record<string, Sealed>>;
  readonly auth: AuthSpec | null;
  readonly timeoutMs: number | null;
  readonly tls: TlsSpec | null;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Absent where files are at rest as they are. */
  readonly atRest?: AtRestSpec;
}

/** Where the bytes come from. */
export interface SourceSpec extends AccessSpec {
  readonly uri: string;
}

/** Where the bytes go; `permissions` are mode bits (0o640). */
export interface DestinationSpec {
  readonly uri: string;
  readonly createDirectories: boolean;
  readonly permissions: number | null;
  readonly conflict: ConflictPolicy;
  readonly preserveMtime: boolean;
  /** A URI that ends in `/`: what variables added must stay below it; `null` where none did. */
  readonly root: string | null;
  /** Absent where nothing of it was declared, as for a file of the agent's own machine. */
  readonly access?: AccessSpec;
}

/** What must hold of the bytes; sizes are inclusive. */
export interface ValidationSpec {
  readonly minBytes: number | null;
  readonly maxBytes: number | null;
  readonly checksum: ChecksumSpec | null;
  readonly level: VerificationLevel;
}

/** The expected SHA-256 in lower-case hex; `required` without a value demands one from the source. */
export interface ChecksumSpec {
  readonly algorithm: "sha256";
  readonly valueHex: string | null;
  readonly required: boolean;
}

/** How often and how patiently a failed attempt is repeated; the first attempt counts. */
export interface RetrySpec {
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
}

/** Whether a service copies by itself where it is that of both ends. */
export type ServerCopyMode = "auto" | "never" | "require";

/** The shape of the byte pipeline; `windowBytes` bounds what is in memory at once. */
export interface PipelineSpec {
  readonly chunkBytes: number;
  readonly windowBytes: number;
  readonly parallelRanges: number;
  /** Unless a rule of the cluster says another rate of the job; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** `false`: ranges and files at a time are as declared; absent: at most so many, as the way bears them. */
  readonly adaptive?: false;
  /** `false`: the bytes are moved and counted only; no SHA-256, no checkpoint. */
  readonly hash: boolean;
  /** Absent: `auto`. */
  readonly serverCopy?: ServerCopyMode;
}

/** How urgent a transfer is; one that waits rises in time (actors/scheduler). */
export type Priority = "low" | "medium" | "high" | "critical";

/** Where something is, as far as it was declared. */
export interface PlaceSpec {
  readonly datacenter: string | null;
  readonly zone: string | null;
  readonly region: string | null;
  readonly tags: readonly string[];
}

/** Who should carry a transfer out, and when; an embedded run, with its one agent, takes the priority alone. */
export interface SchedulingSpec {
  readonly priority: Priority;
  /** Only agents of these names; empty: any. */
  readonly agents: readonly string[];
  /** Only agents that have all of these tags. */
  readonly tags: readonly string[];
  /** Never agents of these names or with any of these tags. */
  readonly avoid: { readonly agents: readonly string[]; readonly tags: readonly string[] };
  /** Rather the agents that work on the same run, or rather others; null: no matter. */
  readonly run: "together" | "apart" | null;
  /** Rather agents close to all of these places. */
  readonly near: readonly PlaceSpec[];
  /** Ids of the volumes on which local files lie; null: whichever holds the path. */
  readonly sourceVolume: string | null;
  readonly destinationVolume: string | null;
}

/** How a set tells that a file is at its destination already. */
export type CompareBy = "mtime" | "size" | "hash" | "none";

/** Which files of a directory are meant, and what is done beside copying them. */
export interface SetSpec {
  /** Of the place, anchored at its directory; `null`: everything below it. */
  readonly glob: string | null;
  /** At least one of them has to match; empty: all do. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Directories below the declared one that are gone into; `null`: all. */
  readonly depth: number | null;
  readonly minAgeMs: number | null;
  readonly maxAgeMs: number | null;
  readonly minBytes: number | null;
  readonly maxBytes: number | null;
  /** When a file counts as complete; `null`: as it is found. */
  readonly stable:
    | { readonly observations: number; readonly everyMs: number }
    | { readonly marker: string }
    | null;
  /** The ledger of what was copied before; `keepMs`: entries that are older may be forgotten. */
  readonly onlyNew: { readonly ledger: string; readonly keepMs: number | null } | null;
  /** Within each directory. */
  readonly order: "none" | "name" | "oldest";
  readonly compare: CompareBy;
  /** What happens to a source file once its receipt is committed; `move`: to this directory. */
  readonly after: "delete" | { readonly move: string } | null;
  /** Files of the destination that the source has not are deleted: at most this share of them. */
  readonly mirror: { readonly maxDeletePercent: number } | null;
  readonly concurrentFiles: number;
  readonly maxFailures: number;
}

/** One transfer, ready to be carried out; `timeoutMs` bounds the whole job. */
export interface TransferSpec {
  readonly name: string;
  readonly source: SourceSpec;
  readonly destination: DestinationSpec;
  readonly validation: ValidationSpec;
  readonly retry: RetrySpec;
  readonly pipeline: PipelineSpec;
  readonly timeoutMs: number | null;
  /** Absent: medium priority, any agent that can. */
  readonly scheduling?: SchedulingSpec;
  /** Both ends are directories, whose URIs end in `/`: many files, one job. Absent: it is one file. */
  readonly set?: SetSpec;
}
