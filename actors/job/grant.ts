/** The committed permission to publish one finished temporary file. */
export interface Grant {
  readonly leaseIndex: number;
  readonly temp: string;
  readonly finalName: string;
  /** May an existing file of that name be replaced? */
  readonly replace: boolean;
  readonly size: number;
  /** `null` where the transfer was told not to hash. */
  readonly sha256: string | null;
  /** SHA-256 over the chunk digests in order. */
  readonly root: string | null;
  readonly fileId: string | null;
  readonly level: ReachedLevel;
}

/** The verification that was reached: never below the one that was asked for. */
export type ReachedLevel = "none" | "size" | "source" | "reread";
