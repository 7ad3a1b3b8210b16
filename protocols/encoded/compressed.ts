/**
 * Files compressed at rest, readable by every tool of the format: gzip members (RFC 1952) that tell
 * their lengths in an extra field, zstd frames (RFC 8878) behind a skippable frame that does.
 */

import { assert } from "../../runtime/base/assert.ts";
import { CodecError, type Codecs, type Compression } from "../../runtime/env/codecs.ts";
import { FRAME_BYTES, type FrameCodec, type FrameCoder, type FramePrefix } from "./coder.ts";

/** Where the format's own bytes stop and the two lengths (little endian, 32 bits each) begin. */
interface Marking {
  readonly magic: Uint8Array;
  /** Bytes at the start of what the codec gives that the magic takes the place of. */
  readonly replaces: number;
  /** Whether the codec reads the prefix as a part of its own stream. */
  readonly within: boolean;
}

const MARKINGS: Readonly<Record<Compression, Marking>> = {
  // Magic, deflate, FEXTRA; no time, no system; 12 bytes of extra field "QZ" with 8 of content.
  gzip: {
    magic: Uint8Array.of(31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0, 81, 90, 8, 0),
    replaces: 10,
    within: true,
  },
  // Skippable frame 0x184D2A51 with 8 bytes of content.
  zstd: { magic: Uint8Array.of(81, 42, 77, 24, 8, 0, 0, 0), replaces: 0, within: false },
};

/** Frames of `format`. */
export function compressedCoder(codecs: Codecs, format: Compression): FrameCoder {
  const codec = new CompressedFrames(codecs, format);
  return {
    name: format,
    headBytes: 0,
    prefixBytes: codec.prefixBytes,
    marksEnd: false,
    begin: () => Promise.resolve({ head: new Uint8Array(0), codec }),
    open: () => Promise.resolve(codec),
  };
}

class CompressedFrames implements FrameCodec {
  readonly fullFrameBytes = null;
  readonly prefixBytes: number;
  readonly #codecs: Codecs;
  readonly #format: Compression;
  readonly #marking: Marking;

  constructor(codecs: Codecs, format: Compression) {
    this.#codecs = codecs;
    this.#format = format;
    this.#marking = MARKINGS[format];
    this.prefixBytes = this.#marking.magic.length + 8;
  }

  async encode(plain: Uint8Array): Promise<Uint8Array> {
    const { magic, replaces } = this.#marking;
    const rest = (await this.#codecs.compress(this.#format, plain)).subarray(replaces);
    const frame = new Uint8Array(this.prefixBytes + rest.length);
    frame.set(magic);
    const lengths = new DataView(frame.buffer, magic.length, 8);
    lengths.setUint32(0, plain.length, true);
    lengths.setUint32(4, rest.length, true);
    frame.set(rest, this.prefixBytes);
    return frame;
  }

  parse(prefix: Uint8Array): FramePrefix | null {
    const { magic } = this.#marking;
    if (prefix.length < this.prefixBytes) return null;
    if (magic.some((byte, at) => prefix[at] !== byte)) return null;
    const lengths = new DataView(prefix.buffer, prefix.byteOffset + magic.length, 8);
    const plainBytes = lengths.getUint32(0, true);
    if (plainBytes > FRAME_BYTES) return null;
    return { plainBytes, restBytes: lengths.getUint32(4, true), final: false };
  }

  async decode(frame: Uint8Array): Promise<Uint8Array | null> {
    const prefix = this.parse(frame);
    assert(prefix !== null, "only frames that were found are decoded");
    const bytes = this.#marking.within ? frame : frame.subarray(this.prefixBytes);
    try {
      const plain = await this.#codecs.decompress(this.#format, bytes, FRAME_BYTES);
      return plain.length === prefix.plainBytes ? plain : null;
    } catch (error) {
      if (error instanceof CodecError) return null;
      throw error;
    }
  }
}
