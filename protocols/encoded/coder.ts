/**
 * How the bytes of a file look at rest where they are compressed or sealed: an optional head, then
 * frames, each of which stands for `FRAME_BYTES` of the file (the last one for fewer) and says in its
 * prefix how long it is. So writing can go on at any frame, whatever was lost behind it.
 */

/** Plain bytes of every frame but the last. */
export const FRAME_BYTES = 1_048_576;

/** What the first bytes of a frame tell. */
export interface FramePrefix {
  /** Bytes of the file in this frame. */
  readonly plainBytes: number;
  /** Bytes of the frame behind its prefix. */
  readonly restBytes: number;
  /** No other frame follows; always `false` where the format cannot say it. */
  readonly final: boolean;
}

/** Encodes and decodes the frames of one file. */
export interface FrameCodec {
  /** Bytes of a frame that is full, where all of them have the same; `null` where they differ. */
  readonly fullFrameBytes: number | null;
  /** A whole frame, its prefix in front. */
  encode(plain: Uint8Array, index: number, final: boolean): Promise<Uint8Array>;
  /** `null` if no frame of this format begins so. */
  parse(prefix: Uint8Array): FramePrefix | null;
  /** The plain bytes of a whole frame; `null` if it is damaged. */
  decode(frame: Uint8Array, index: number): Promise<Uint8Array | null>;
}

/** One format; a secret that it needs is inside. */
export interface FrameCoder {
  /** For messages: `gzip`, `zstd`, `sealed`. */
  readonly name: string;
  /** Bytes in front of the first frame. */
  readonly headBytes: number;
  readonly prefixBytes: number;
  /** The last frame says that it is the last: a file that was cut is found out. */
  readonly marksEnd: boolean;
  /** A head for a new file, with what encodes it. */
  begin(): Promise<{ readonly head: Uint8Array; readonly codec: FrameCodec }>;
  /** What decodes the file of this head; a `ProtocolError` says why it cannot. */
  open(head: Uint8Array): Promise<FrameCodec>;
}
