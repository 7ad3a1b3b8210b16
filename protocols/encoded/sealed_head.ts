/** The head of a sealed file, and the keys that open it. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Compression } from "../../runtime/env/codecs.ts";
import type { Hashing } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { FRAME_BYTES } from "./coder.ts";

/** Bytes in front of the frames. */
export const HEAD_BYTES = 1_024;

const MAGIC = "QUORUSE1";
const LENGTH_AT = MAGIC.length;
const JSON_AT = LENGTH_AT + 2;

/** What a head says. */
export interface SealedHead {
  /** Of the key that wraps the file's own one. */
  readonly key: string;
  /** Nonce, ciphertext and tag of the file's own key. */
  readonly wrapped: Uint8Array;
  readonly codec: Compression | null;
}

const schema = z.strictObject({
  alg: z.literal("A256GCM"),
  frame: z.literal(FRAME_BYTES),
  codec: z.enum(["none", "gzip", "zstd"]),
  key: z.string().max(64),
  wrapped: z.base64().max(256),
});

/** The bytes of a head. */
export function writeHead({ key, wrapped, codec }: SealedHead): Uint8Array {
  const told = {
    alg: "A256GCM",
    frame: FRAME_BYTES,
    codec: codec ?? "none",
    key,
    wrapped: Buffer.from(wrapped).toString("base64"),
  };
  const json = new TextEncoder().encode(JSON.stringify(told));
  const bytes = new Uint8Array(HEAD_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint16(LENGTH_AT, json.length);
  bytes.set(json, JSON_AT);
  return bytes;
}

/** Reads a head; `badResponse` for bytes that are none. */
export function readHead(bytes: Uint8Array): SealedHead {
  const told = schema.safeParse(parsed(bytes));
  if (told.success) {
    const { key, wrapped, codec } = told.data;
    return {
      key,
      wrapped: new Uint8Array(Buffer.from(wrapped, "base64")),
      codec: codec === "none" ? null : codec,
    };
  }
  throw new ProtocolError(
    "badResponse",
    "cannot open a sealed file: it does not begin as one that Quorus sealed; " +
      "read it without decrypt, or take a copy that is whole",
    { retryable: false },
  );
}

function parsed(bytes: Uint8Array): unknown {
  const text = new TextDecoder();
  if (bytes.length !== HEAD_BYTES || text.decode(bytes.subarray(0, LENGTH_AT)) !== MAGIC) {
    return null;
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(LENGTH_AT);
  try {
    return JSON.parse(text.decode(bytes.subarray(JSON_AT, JSON_AT + length)));
  } catch {
    return null;
  }
}

/** A key of 32 bytes as text: base64 or hexadecimal; `badEndpoint` for anything else. */
export function keyFromText(text: string): Uint8Array {
  const told = text.trim();
  const isHex = /^[0-9a-fA-F]{64}$/.test(told);
  const isBase64 = /^[0-9A-Za-z+/_-]{43}=?$/.test(told);
  if (isHex || isBase64) return new Uint8Array(Buffer.from(told, isHex ? "hex" : "base64"));
  throw new ProtocolError(
    "badEndpoint",
    "cannot use an encryption key: it must be 32 bytes, as 44 characters of base64 or 64 of " +
      "hexadecimal; make one with: openssl rand -base64 32",
  );
}

/** What tells a key apart without telling it: the start of its SHA-256. */
export function fingerprintOf(hash: Hashing, key: Uint8Array): string {
  const hasher = hash.sha256();
  hasher.update(key);
  return `sha256:${hasher.digestHex().slice(0, 16)}`;
}
