/**
 * The messages of the handshake, as bytes and back. What comes in is from a stranger: everything is
 * checked, and one that is not a handshake message is a {@link RemoteError} `Malformed`.
 */

import { z } from "zod";
import { checkNodeId } from "../actor/address.ts";
import { assert } from "../base/assert.ts";
import { decodeFrame } from "./frames.ts";
import { FRAME_KIND, FrameError } from "./frames_layout.ts";
import { REFUSAL_CODES, RemoteError } from "./handshake_refusals.ts";

const MESSAGE_CHARACTERS = 1_000;

const isNodeId = (text: string): boolean => {
  try {
    checkNodeId(text);
    return true;
  } catch {
    return false;
  }
};

const nodeId = z.string().max(128).refine(isNodeId, "not a node id");
const word = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/);
const hex = z.string().regex(/^[0-9a-f]{32,128}$/);
const positive = z.number().int().positive();
const window = z.object({ messages: positive, bytes: positive });

/** What the sender of this takes unprocessed: of each lane, for one actor, and the longest message. */
const windows = z.object({
  consensus: window,
  message: window,
  bulk: window,
  target: window,
  messageBytes: positive,
});

const identity = { node: nodeId, incarnation: word, renewal: positive };

/** Read first: these fields keep their meaning in every version to come. */
const versionRange = z.object({ h: z.literal("hello"), min: positive, max: positive });

const hello = versionRange.extend({
  ...identity,
  to: nodeId.optional(),
  nonce: hex,
  link: z.enum(["main", "bulk"]),
  association: z.string().max(1_024).optional(),
  features: z.array(word).max(64),
  windows,
});

const answer = z.object({
  h: z.literal("answer"),
  version: positive,
  ...identity,
  nonce: hex,
  features: z.array(word).max(64),
});

const refusal = z.object({
  code: z.enum(REFUSAL_CODES),
  message: z.string().max(MESSAGE_CHARACTERS),
});

const proof = z.object({
  h: z.literal("proof"),
  proof: hex.optional(),
  refuse: refusal.optional(),
});
const welcome = z.object({ h: z.literal("welcome"), windows });
const refuse = refusal.extend({ h: z.literal("refuse") });

const anyMessage = z.discriminatedUnion("h", [hello, answer, proof, welcome, refuse]);

/** First word of the side that dialled. */
export type Hello = z.infer<typeof hello>;
/** First word of the side that was called. */
export type Answer = z.infer<typeof answer>;
/** Proves the token; with `refuse`, the refusal is proved by it too. */
export type Proof = z.infer<typeof proof>;
/** Last word: records follow. */
export type Welcome = z.infer<typeof welcome>;
/** Ends the handshake. */
export type Refuse = z.infer<typeof refuse>;
/** What a node takes unprocessed. */
export type PeerWindows = z.infer<typeof windows>;
/** A hello in a version that we may not know: only its range is read. */
export type HelloRange = z.infer<typeof versionRange>;
/** Any message of the handshake. */
export type HandshakeMessage = Hello | Answer | Proof | Welcome | Refuse;

/** The message of a frame, or RemoteError `Malformed`. */
export function parseHandshake(frame: Uint8Array, maxBytes: number): HandshakeMessage {
  return checked(anyMessage, readJson(frame, maxBytes));
}

/** The version range of a hello whatever its version; RemoteError `Malformed` if it is none. */
export function parseHelloRange(frame: Uint8Array, maxBytes: number): HelloRange {
  return checked(versionRange, readJson(frame, maxBytes));
}

function readJson(frame: Uint8Array, maxBytes: number): unknown {
  if (frame[0] !== FRAME_KIND.handshake) throw malformed(`a frame of kind ${frame[0] ?? "none"}`);
  try {
    const decoded = decodeFrame(frame, { handshakeBytes: maxBytes, messageBytes: maxBytes });
    assert(decoded.kind === "handshake", "the first byte is the kind");
    return decoded.message;
  } catch (cause) {
    if (!(cause instanceof FrameError)) throw cause;
    throw malformed(cause.message, cause);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join(".") ?? "";
  throw malformed(path === "" ? "not an object" : `a bad field "${path}"`);
}

function malformed(what: string, cause?: unknown): RemoteError {
  return new RemoteError(
    "Malformed",
    `read a handshake message: ${what}; is the other end a Quorus node of this version?`,
    { cause },
  );
}
