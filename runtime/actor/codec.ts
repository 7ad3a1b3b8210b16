/**
 * The message codec: JSON that keeps what JSON loses.
 *
 * bigint, undefined, Date, Map, Set, Uint8Array, NaN, the infinities, -0 and objects without a
 * prototype are carried as `{"$": kind, "v": ...}`; an own key `$` is escaped. What cannot be carried
 * (functions, symbols, class instances, cycles, holes) is refused with its path, never changed.
 *
 * In text alone bytes are base64. On the wire (`runtime/remote/frames.ts`) they are attachments: the
 * field holds their length, the bytes follow the text in the order of the fields.
 */

import { decodeBody } from "./codec_decode.ts";
import { encodeBody, isPlain } from "./codec_encode.ts";
import { ActorError } from "./errors.ts";

/** A message body as text; ActorError `NotEncodable` names the path of what cannot be carried. */
export function encodeMessage(value: unknown): string {
  return JSON.stringify(isPlain(value) ? value : encodeBody(value, null));
}

/** The body that {@link encodeMessage} was given; ActorError `BadMessage` if the text is not its. */
export function decodeMessage(text: string): unknown {
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch (cause) {
    throw new ActorError("BadMessage", "decode message: not JSON", { cause });
  }
  return decodeBody(plain, null);
}
