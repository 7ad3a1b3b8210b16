/** The reading half of the codec: what JSON.parse gave becomes the body that was sent, or an error. */

import { ActorError } from "./errors.ts";
import { ACTOR_LIMITS } from "./limits.ts";

/** A tagged level is up to three levels of JSON: the tag, its list, a pair. */
const MAX_PLAIN_DEPTH = ACTOR_LIMITS.messageDepth.value * 3;

/** JSON needs two bytes for a level, so a text this short is not nested too deeply. */
export const SHALLOW_BYTES = 2 * MAX_PLAIN_DEPTH;

/** The bytes that follow a text on the wire, taken from the front in the order of the fields. */
export interface AttachmentSource {
  take(length: number): Uint8Array;
}

/**
 * The body that {@link encodeBody} was given, out of what JSON.parse gave (which it changes); ActorError
 * `BadMessage` if it is not its.
 */
export function decodeBody(plain: unknown, attachments: AttachmentSource | null): unknown {
  return fromPlain(plain, 0, attachments);
}

function fromPlain(plain: unknown, depth: number, source: AttachmentSource | null): unknown {
  if (typeof plain !== "object" || plain === null) return plain;
  if (depth > MAX_PLAIN_DEPTH) throw bad("nested too deeply");
  if (Array.isArray(plain)) {
    for (let index = 0; index < plain.length; index += 1) {
      const item = plain[index];
      if (typeof item === "object") plain[index] = fromPlain(item, depth + 1, source);
    }
    return plain;
  }
  const record = plain as Record<string, unknown>;
  if (Object.hasOwn(record, "$")) return fromTagged(record["$"], record["v"], depth + 1, source);
  for (const key of Object.keys(record)) {
    if (key === "__proto__") throw bad("a bare __proto__");
    const item = record[key];
    if (typeof item === "object") record[key] = fromPlain(item, depth + 1, source);
  }
  return record;
}

function fromTagged(
  kind: unknown,
  v: unknown,
  depth: number,
  source: AttachmentSource | null,
): unknown {
  const inside = (item: unknown): unknown => fromPlain(item, depth, source);
  switch (kind) {
    case "undefined":
      return undefined;
    case "number":
      if (v !== "NaN" && v !== "Infinity" && v !== "-Infinity" && v !== "-0") throw bad("a number");
      return Number(v);
    case "bigint":
      return fromHex(v);
    case "date":
      if (v !== null && !Number.isInteger(v)) throw bad("a date");
      return new Date((v as number | null) ?? NaN);
    case "bytes":
      return fromBytes(v, source);
    case "set":
      return new Set(list(v).map(inside));
    case "map":
      return new Map(pairs(v).map(([key, item]) => [inside(key), inside(item)]));
    case "object":
    case "bare":
      return fromEntries(kind === "bare" ? Object.create(null) : {}, pairs(v), inside);
    default:
      throw bad(`the kind ${String(JSON.stringify(kind)).slice(0, 40)}`);
  }
}

function fromBytes(v: unknown, source: AttachmentSource | null): Uint8Array {
  if (source === null) {
    if (typeof v !== "string") throw bad("bytes");
    return fromBase64(v);
  }
  if (!isLength(v)) throw bad("bytes");
  return source.take(v);
}

function isLength(v: unknown): v is number {
  return Number.isSafeInteger(v) && (v as number) >= 0;
}

function fromHex(v: unknown): bigint {
  if (typeof v !== "string" || !/^-?0x[0-9a-f]+$/.test(v)) throw bad("a bigint");
  try {
    return v.startsWith("-") ? -BigInt(v.slice(1)) : BigInt(v);
  } catch (cause) {
    throw new ActorError("BadMessage", "decode message: a bigint is too long", { cause });
  }
}

/** `defineProperty`, because assigning to `__proto__` would change the prototype. */
function fromEntries(
  into: object,
  entries: [unknown, unknown][],
  inside: (item: unknown) => unknown,
): object {
  for (const [key, item] of entries) {
    if (typeof key !== "string") throw bad("an object key");
    const value = inside(item);
    Object.defineProperty(into, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return into;
}

function list(v: unknown): unknown[] {
  if (!Array.isArray(v)) throw bad("a list");
  return v;
}

function pairs(v: unknown): [unknown, unknown][] {
  return list(v).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw bad("a pair");
    return [pair[0], pair[1]];
  });
}

function bad(what: string): ActorError {
  return new ActorError("BadMessage", `decode message: ${what} is malformed`);
}

/**
 * Adds up the attachments that a parsed text speaks of, without changing it; `null` if a length is
 * none, or it is nested deeper than anything that was encoded here.
 */
export function attachedBytes(plain: unknown): number | null {
  return attachedBelow(plain, 0);
}

function attachedBelow(plain: unknown, depth: number): number | null {
  if (typeof plain !== "object" || plain === null) return 0;
  if (depth > MAX_PLAIN_DEPTH + 1) return null;
  const record = plain as Record<string, unknown>;
  if (record["$"] === "bytes" && !Array.isArray(plain)) {
    return isLength(record["v"]) ? record["v"] : null;
  }
  let total = 0;
  for (const item of Array.isArray(plain) ? plain : Object.values(record)) {
    if (typeof item !== "object") continue;
    const below = attachedBelow(item, depth + 1);
    if (below === null) return null;
    total += below;
  }
  return total;
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ActorError("BadMessage", "decode message: bytes are malformed", { cause });
  }
}
