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

import { ActorError } from "./errors.ts";
import { ACTOR_LIMITS } from "./limits.ts";

const MAX_DEPTH = ACTOR_LIMITS.messageDepth.value;

/** A tagged level is up to three levels of JSON: the tag, its list, a pair. */
const MAX_PLAIN_DEPTH = MAX_DEPTH * 3;

/** JSON needs two bytes for a level, so a text this short is not nested too deeply. */
export const SHALLOW_BYTES = 2 * MAX_PLAIN_DEPTH;

/** A value that JSON carries as it is. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

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

/**
 * Whether JSON carries `value` as it is, so that it need not be copied: `false` is no verdict,
 * {@link encodeBody} says which. It only looks.
 */
export function isPlain(value: unknown): boolean {
  return isPlainBelow(value, 0);
}

function isPlainBelow(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case "object":
      return value === null || (depth < MAX_DEPTH && isPlainObject(value, depth + 1));
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) return isPlainArray(value as unknown[], depth);
  if (prototype !== Object.prototype) return false;
  for (const key in value) {
    if (key === "$" || key === "__proto__") return false;
    if (!isPlainBelow((value as Record<string, unknown>)[key], depth)) return false;
  }
  return Object.getOwnPropertySymbols(value).length === 0;
}

function isPlainArray(value: unknown[], depth: number): boolean {
  for (let index = 0; index < value.length; index += 1) {
    if (!isPlainBelow(value[index], depth)) return false;
  }
  return Object.keys(value).length === value.length;
}

/**
 * `value` as what JSON carries; ActorError `NotEncodable` names the path of what cannot be carried.
 * Bytes are added to `attachments` (by reference: whoever sends them gives them away) or, without such
 * a list, are base64 text.
 */
export function encodeBody(value: unknown, attachments: Uint8Array[] | null): Plain {
  try {
    return toPlain(value, "body", [], attachments);
  } catch (cause) {
    if (cause instanceof ActorError) throw cause;
    throw new ActorError("NotEncodable", "encode message: body cannot be read; send plain data", {
      cause,
    });
  }
}

function refuse(path: string, what: string): never {
  throw new ActorError("NotEncodable", `encode message: ${path} is ${what}; send plain data`);
}

function tagged(kind: string, v: Plain): Plain {
  return { $: kind, v };
}

type Attachments = Uint8Array[] | null;

function toPlain(value: unknown, path: string, above: object[], attachments: Attachments): Plain {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return plainNumber(value);
    case "bigint":
      return tagged("bigint", hexOf(value));
    case "undefined":
      return tagged("undefined", null);
    case "object":
      return value === null ? null : plainObject(value, path, above, attachments);
    default:
      return refuse(path, `a ${typeof value}`);
  }
}

function plainNumber(value: number): Plain {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return tagged("number", Object.is(value, -0) ? "-0" : String(value));
}

/** Hexadecimal, because reading a long decimal takes more than linear time. */
function hexOf(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function plainObject(
  value: object,
  path: string,
  above: object[],
  attachments: Attachments,
): Plain {
  if (above.includes(value)) return refuse(path, "a cycle");
  if (above.length >= MAX_DEPTH) return refuse(path, `nested deeper than ${MAX_DEPTH}`);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) {
    const time = (value as Date).getTime();
    return tagged("date", Number.isNaN(time) ? null : time);
  }
  if (prototype === Uint8Array.prototype) return plainBytes(value as Uint8Array, attachments);
  above.push(value);
  try {
    return plainContainer(value, prototype, path, above, attachments);
  } finally {
    above.pop();
  }
}

function plainBytes(bytes: Uint8Array, attachments: Attachments): Plain {
  if (attachments === null) return tagged("bytes", base64(bytes));
  attachments.push(bytes);
  return tagged("bytes", bytes.length);
}

function plainContainer(
  value: object,
  prototype: unknown,
  path: string,
  above: object[],
  attachments: Attachments,
): Plain {
  const inside = (item: unknown, at: string): Plain => toPlain(item, at, above, attachments);
  if (prototype === Array.prototype) {
    const items = value as unknown[];
    if (Object.keys(items).length !== items.length) {
      return refuse(path, "an array with holes or extra properties");
    }
    return items.map((item, index) => inside(item, `${path}[${index}]`));
  }
  if (prototype === Map.prototype) {
    const entries = [...(value as Map<unknown, unknown>)].map(([key, item], index): Plain => [
      inside(key, `${path} key ${index}`),
      inside(item, `${path} entry ${index}`),
    ]);
    return tagged("map", entries);
  }
  if (prototype === Set.prototype) {
    const items = [...(value as Set<unknown>)];
    return tagged("set", items.map((item, index) => inside(item, `${path}[${index}]`)));
  }
  if (prototype === Object.prototype || prototype === null) {
    return plainRecord(value as Record<string, unknown>, prototype === null, path, inside);
  }
  return refuse(path, `an instance of ${value.constructor?.name ?? "a class"}`);
}

function plainRecord(
  value: Record<string, unknown>,
  bare: boolean,
  path: string,
  inside: (item: unknown, at: string) => Plain,
): Plain {
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse(path, "keyed by a symbol");
  const entries: [string, Plain][] = [];
  let escape = bare;
  for (const key of Object.keys(value)) {
    if (key === "$" || key === "__proto__") escape = true;
    entries.push([key, inside(value[key], `${path}.${key}`)]);
  }
  if (escape) return tagged(bare ? "bare" : "object", entries);
  return Object.fromEntries(entries);
}

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

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ActorError("BadMessage", "decode message: bytes are malformed", { cause });
  }
}
