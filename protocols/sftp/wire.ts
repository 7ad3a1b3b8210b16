/** The two ends of a byte stream to an SFTP server, whatever carries it. */

/** What a stream tells. */
export interface WireEvents {
  /** Bytes came; they belong to who is told. */
  bytes(bytes: Uint8Array): void;
  /** It ended: `why` says how, once, and nothing comes after it. */
  ended(why: unknown): void;
}

/** A stream that is open. */
export interface Wire {
  /**
   * Bytes that were sent and have not left yet: who sends more than he has to makes memory grow. `left`
   * is called once the memory of `bytes` may be used for others; never, if the stream ends before.
   */
  send(bytes: Uint8Array, left?: () => void): void;
  /** Ends it at once, and resolves when nothing of it is left; idempotent. */
  end(): Promise<void>;
}

/** Opens a stream; its failure is a `ProtocolError`. */
export type OpenWire = (events: WireEvents) => Promise<Wire>;
