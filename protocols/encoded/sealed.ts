/**
 * Files sealed at rest. A head of 1,024 bytes: `QUORUSE1`, a 16-bit big-endian length, so much JSON
 * (`alg`, `frame`, `codec`, the fingerprint `key` of the key that wraps this file's own, and `wrapped`,
 * base64 of nonce, ciphertext and tag), zeros. Then frames: 32 bits big endian of plain length with
 * the highest bit set on the last one, 32 bits of what follows, a nonce of 12 bytes, AES-256-GCM of
 * the (compressed) plain bytes, the tag. Associated with each frame: SHA-256 of the head, the frame's
 * number (64 bits), its prefix. So no frame can be changed, moved, left out or cut off unseen.
 */

import { Buffer } from "node:buffer";
import type { Aead, Codecs, Compression } from "../../runtime/env/codecs.ts";
import { CodecError } from "../../runtime/env/codecs.ts";
import type { Hashing, Random } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { FRAME_BYTES, type FrameCodec, type FrameCoder, type FramePrefix } from "./coder.ts";
import { fingerprintOf, HEAD_BYTES, readHead, type SealedHead, writeHead } from "./sealed_head.ts";

const PREFIX_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const FINAL = 0x8000_0000;

/** What sealing works with. */
export interface SealingTools {
  readonly codecs: Codecs;
  readonly hash: Hashing;
  readonly random: Random;
}

/** Which keys wrap, and whether what is sealed is compressed first. */
export interface SealingOptions {
  /** 32 bytes each; the first one seals, any of them opens. */
  readonly keys: readonly Uint8Array[];
  readonly compression: Compression | null;
}

/** Frames sealed with a key of each file's own, which one of `keys` wraps. */
export function sealedCoder(tools: SealingTools, options: SealingOptions): FrameCoder {
  return {
    name: "sealed",
    headBytes: HEAD_BYTES,
    prefixBytes: PREFIX_BYTES,
    marksEnd: true,
    begin: () => begin(tools, options),
    open: (head) => open(tools, options.keys, head),
  };
}

async function begin(tools: SealingTools, { keys, compression }: SealingOptions) {
  const [wrapping] = keys;
  if (wrapping === undefined) throw new TypeError("who seals has a key");
  const own = tools.random.bytes(KEY_BYTES);
  const nonce = tools.random.bytes(NONCE_BYTES);
  const key = fingerprintOf(tools.hash, wrapping);
  const sealed = await tools.codecs.aead(wrapping).seal(nonce, wrapContext(key), own);
  const head = writeHead({ key, wrapped: joined(nonce, sealed), codec: compression });
  return { head, codec: new SealedFrames(tools, own, head, compression) };
}

async function open(
  tools: SealingTools,
  keys: readonly Uint8Array[],
  bytes: Uint8Array,
): Promise<FrameCodec> {
  const head: SealedHead = readHead(bytes);
  const wrapping = keys.find((key) => fingerprintOf(tools.hash, key) === head.key);
  if (wrapping === undefined) {
    throw new ProtocolError(
      "denied",
      `cannot open a sealed file: its key ${head.key} is none of those given ` +
        `(${keys.map((key) => fingerprintOf(tools.hash, key)).join(", ")}): give that one`,
    );
  }
  const own = await tools.codecs.aead(wrapping).open(
    head.wrapped.subarray(0, NONCE_BYTES),
    wrapContext(head.key),
    head.wrapped.subarray(NONCE_BYTES),
  );
  if (own?.length === KEY_BYTES) return new SealedFrames(tools, own, bytes, head.codec);
  throw new ProtocolError(
    "badResponse",
    "cannot open a sealed file: the key in its head is damaged; take a copy that is whole",
    { retryable: false },
  );
}

/** A wrapped key is one of this format, and of this wrapping key. */
function wrapContext(key: string): Uint8Array {
  return new TextEncoder().encode(`quorus sealed file, key of ${key}`);
}

class SealedFrames implements FrameCodec {
  readonly fullFrameBytes: number | null;
  readonly #tools: SealingTools;
  readonly #aead: Aead;
  readonly #headHash: Uint8Array;
  readonly #compression: Compression | null;

  constructor(
    tools: SealingTools,
    key: Uint8Array,
    head: Uint8Array,
    compression: Compression | null,
  ) {
    this.#tools = tools;
    this.#aead = tools.codecs.aead(key);
    this.#compression = compression;
    const around = PREFIX_BYTES + NONCE_BYTES + TAG_BYTES;
    this.fullFrameBytes = compression === null ? around + FRAME_BYTES : null;
    const hasher = tools.hash.sha256();
    hasher.update(head);
    this.#headHash = new Uint8Array(Buffer.from(hasher.digestHex(), "hex"));
  }

  async encode(plain: Uint8Array, index: number, final: boolean): Promise<Uint8Array> {
    const format = this.#compression;
    const bytes = format === null ? plain : await this.#tools.codecs.compress(format, plain);
    const prefix = new Uint8Array(PREFIX_BYTES);
    const lengths = new DataView(prefix.buffer);
    lengths.setUint32(0, (plain.length | (final ? FINAL : 0)) >>> 0);
    lengths.setUint32(4, NONCE_BYTES + bytes.length + TAG_BYTES);
    const nonce = this.#tools.random.bytes(NONCE_BYTES);
    const sealed = await this.#aead.seal(nonce, this.#associated(index, prefix), bytes);
    return joined(prefix, nonce, sealed);
  }

  parse(prefix: Uint8Array): FramePrefix | null {
    if (prefix.length < PREFIX_BYTES) return null;
    const lengths = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
    const first = lengths.getUint32(0);
    const plainBytes = first & ~FINAL;
    const restBytes = lengths.getUint32(4);
    const most = NONCE_BYTES + 2 * FRAME_BYTES + TAG_BYTES;
    if (plainBytes > FRAME_BYTES || restBytes < NONCE_BYTES + TAG_BYTES) return null;
    return restBytes > most ? null : { plainBytes, restBytes, final: first >= FINAL };
  }

  async decode(frame: Uint8Array, index: number): Promise<Uint8Array | null> {
    const prefix = frame.subarray(0, PREFIX_BYTES);
    const rest = PREFIX_BYTES + NONCE_BYTES;
    const bytes = await this.#aead.open(
      frame.subarray(PREFIX_BYTES, rest),
      this.#associated(index, prefix),
      frame.subarray(rest),
    );
    if (bytes === null || this.#compression === null) return bytes;
    try {
      return await this.#tools.codecs.decompress(this.#compression, bytes, FRAME_BYTES);
    } catch (error) {
      if (error instanceof CodecError) return null;
      throw error;
    }
  }

  #associated(index: number, prefix: Uint8Array): Uint8Array {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(index));
    return joined(this.#headHash, number, prefix);
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
