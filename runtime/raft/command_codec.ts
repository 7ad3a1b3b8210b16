/**
 * Commands and results as bytes, version in the first byte: what stands in the log, in snapshots and on
 * links between members. Frozen: samples of each version stand in the tests.
 *
 * - 1: UTF-8 of JSON, for what JSON carries as it is;
 * - 2: length of the text (4 bytes, big-endian), text of the codec of messages, and the attachments
 *   (byte arrays) that it speaks of.
 */

import { ActorError } from "../actor/errors.ts";
import { type AttachmentSource, decodeBody } from "../actor/codec_decode.ts";
import { encodeBody, isPlain } from "../actor/codec_encode.ts";
import { RaftError } from "./errors.ts";

const PLAIN = 1;
const TAGGED = 2;
const TAGGED_HEAD_BYTES = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Four times slower in Deno 2.9, so it looks only at what the other one has doubts about. */
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
const REPLACED = "\ufffd";

/** `command` as bytes; ActorError `NotEncodable` names the path of what cannot be carried. */
export function encodeCommand(command: unknown): Uint8Array {
  // The version is the first character, so that a plain value is written in one go.
  if (isPlain(command)) return encoder.encode(`\u0001${JSON.stringify(command)}`);
  const attachments: Uint8Array[] = [];
  const text = encoder.encode(JSON.stringify(encodeBody(command, attachments)));
  const attached = attachments.reduce((bytes, each) => bytes + each.length, 0);
  const encoded = new Uint8Array(TAGGED_HEAD_BYTES + text.length + attached);
  encoded[0] = TAGGED;
  new DataView(encoded.buffer).setUint32(1, text.length);
  encoded.set(text, TAGGED_HEAD_BYTES);
  let offset = TAGGED_HEAD_BYTES + text.length;
  for (const each of attachments) {
    encoded.set(each, offset);
    offset += each.length;
  }
  return encoded;
}

/**
 * The command that {@link encodeCommand} was given; it shares nothing with `bytes`. RaftError
 * `LogVersion` if a later version wrote it, `LogCorrupt` if none did.
 */
export function decodeCommand(bytes: Uint8Array): unknown {
  const version = bytes[0];
  try {
    if (version === PLAIN) return JSON.parse(textOf(bytes.subarray(1)));
    if (version === TAGGED) return decodeTagged(bytes);
  } catch (cause) {
    if (cause instanceof RaftError) throw cause;
    throw damaged("the text is malformed", cause);
  }
  if (version === undefined) throw damaged("it is empty");
  throw new RaftError(
    "LogVersion",
    `decode a command: its version is ${version}, this program knows ${PLAIN} and ${TAGGED}; ` +
      "run the version of Quorus that wrote it, or a later one",
  );
}

/** A result as bytes, in the form of commands. */
export const encodeResult: (result: unknown) => Uint8Array = encodeCommand;

/** The result that {@link encodeResult} was given; errors as of {@link decodeCommand}. */
export const decodeResult: (bytes: Uint8Array) => unknown = decodeCommand;

function textOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes(REPLACED) ? strictDecoder.decode(bytes) : text;
}

function decodeTagged(bytes: Uint8Array): unknown {
  if (bytes.length < TAGGED_HEAD_BYTES) throw damaged("its head is cut off");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const end = TAGGED_HEAD_BYTES + length;
  if (end > bytes.length) throw damaged("its text is cut off");
  const attachments = new Attachments(bytes, end);
  const plain = JSON.parse(textOf(bytes.subarray(TAGGED_HEAD_BYTES, end)));
  const command = decodeBody(plain, attachments);
  if (!attachments.isUsedUp) throw damaged("bytes are left over");
  return command;
}

/** Copies, so that a value in a state does not keep the block alive that it came in. */
class Attachments implements AttachmentSource {
  readonly #bytes: Uint8Array;
  #offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get isUsedUp(): boolean {
    return this.#offset === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw damaged("an attachment is cut off");
    const taken = this.#bytes.slice(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

function damaged(what: string, cause?: unknown): RaftError {
  const reason = cause instanceof ActorError ? cause.message : what;
  return new RaftError("LogCorrupt", `decode a command: ${reason}`, { cause });
}
