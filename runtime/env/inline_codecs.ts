/**
 * Codecs that need no thread: synchronous, so that the simulation has them in the order of its calls.
 * A stream that is inflated is held as a whole: for small ones.
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Aead, CodecError, type Codecs } from "./codecs.ts";
import { codecErrorOf, type Inflate, inflaterOf } from "./inflating.ts";
import { ZstdFrames } from "./zstd_frames.ts";

const TAG_BYTES = 16;
const ALGORITHM = "aes-256-gcm";

const compressing = { gzip: gzipSync, zstd: zstdCompressSync };
const decompressing = { gzip: gunzipSync, zstd: zstdDecompressSync };

/** Codecs on the calling thread. */
export const inlineCodecs: Codecs = {
  compress: (format, bytes) => Promise.resolve(new Uint8Array(compressing[format](bytes))),
  // deno-lint-ignore require-await -- what it throws is to reject
  decompress: async (format, bytes, maxBytes) => {
    try {
      return new Uint8Array(decompressing[format](bytes, { maxOutputLength: maxBytes }));
    } catch (error) {
      throw codecErrorOf(format, error);
    }
  },
  inflater: (format, pull) =>
    inflaterOf(format, pull, format === "gzip" ? inflateGzip : inflateZstd),
  aead: inlineAead,
};

const inflateGzip: Inflate = async function* (pieces) {
  yield new Uint8Array(gunzipSync(await whole(pieces)));
};

/** Frame by frame: the decoder stops behind the first one, and takes one that was cut for whole. */
const inflateZstd: Inflate = async function* (pieces) {
  let rest = await whole(pieces);
  do {
    const frames = new ZstdFrames();
    const bytes = frames.follow(rest);
    if (!frames.isBetween || bytes === 0) throw new CodecError("truncated", CUT);
    yield new Uint8Array(zstdDecompressSync(rest.subarray(0, bytes)));
    rest = rest.subarray(bytes);
  } while (rest.length > 0);
};

const CUT = "cannot decompress zstd: the stream ends within a frame";

async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

function inlineAead(key: Uint8Array): Aead {
  return {
    seal: (nonce, associated, bytes) => {
      const cipher = createCipheriv(ALGORITHM, key, nonce);
      cipher.setAAD(associated);
      const parts = [cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
      return Promise.resolve(new Uint8Array(Buffer.concat(parts)));
    },
    open: (nonce, associated, sealed) => {
      if (sealed.length < TAG_BYTES) return Promise.resolve(null);
      const decipher = createDecipheriv(ALGORITHM, key, nonce);
      decipher.setAAD(associated);
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      const bytes = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
      try {
        decipher.final();
      } catch {
        return Promise.resolve(null);
      }
      return Promise.resolve(new Uint8Array(bytes));
    },
  };
}
