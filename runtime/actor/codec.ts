/**
 * The message codec: JSON text that keeps what JSON loses.
 *
 * bigint, undefined, Date, Map, Set, Uint8Array, NaN, the infinities, -0 and objects without a
 * prototype are carried as `{"$": kind, "v": ...}`; an own key `$` is escaped. What cannot be carried
 * (functions, symbols, class instances, cycles, holes) is refused with its path, never changed.
 */

import { ActorError } from "./errors.ts";
import { ACTOR_LIMITS } from "./limits.ts";

const MAX_DEPTH = ACTOR_LIMITS.messageDepth.value;

/** A message body as text; ActorError `NotEncodable` names the path of what cannot be carried. */
export function encodeMessage(value: unknown): string {
  return JSON.stringify(toPlain(value, "body", []));
}

/** The body that {@link encodeMessage} was given; ActorError `BadMessage` if the text is not its. */
export function decodeMessage(text: string): unknown {
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch (cause) {
    throw new ActorError("BadMessage", "decode message: not JSON", { cause });
  }
  return fromPlain(plain, 0);
}

type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

function refuse(path: string, what: string): never {
  throw new ActorError("NotEncodable", `encode message: ${path} is ${what}; send plain data`);
}

function tagged(kind: string, v: Plain): Plain {
  return { $: kind, v };
}

function toPlain(value: unknown, path: string, above: object[]): Plain {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return plainNumber(value);
    case "bigint":
      return tagged("bigint", value.toString());
    case "undefined":
      return tagged("undefined", null);
    case "object":
      return value === null ? null : plainObject(value, path, above);
    default:
      return refuse(path, `a ${typeof value}`);
  }
}

function plainNumber(value: number): Plain {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return tagged("number", Object.is(value, -0) ? "-0" : String(value));
}

function plainObject(value: object, path: string, above: object[]): Plain {
  if (above.includes(value)) return refuse(path, "a cycle");
  if (above.length >= MAX_DEPTH) return refuse(path, `nested deeper than ${MAX_DEPTH}`);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) {
    const time = (value as Date).getTime();
    return tagged("date", Number.isNaN(time) ? null : time);
  }
  if (prototype === Uint8Array.prototype) return tagged("bytes", base64(value as Uint8Array));
  above.push(value);
  try {
    return plainContainer(value, prototype, path, above);
  } finally {
    above.pop();
  }
}

function plainContainer(value: object, prototype: unknown, path: string, above: object[]): Plain {
  if (prototype === Array.prototype) return plainArray(value as unknown[], path, above);
  if (prototype === Map.prototype) {
    const entries = [...(value as Map<unknown, unknown>)].map(([key, item], index): Plain => [
      toPlain(key, `${path} key ${index}`, above),
      toPlain(item, `${path} entry ${index}`, above),
    ]);
    return tagged("map", entries);
  }
  if (prototype === Set.prototype) {
    const items = [...(value as Set<unknown>)];
    return tagged("set", items.map((item, index) => toPlain(item, `${path}[${index}]`, above)));
  }
  if (prototype === Object.prototype || prototype === null) {
    return plainRecord(value as Record<string, unknown>, prototype === null, path, above);
  }
  return refuse(path, `an instance of ${value.constructor?.name ?? "a class"}`);
}

function plainArray(value: unknown[], path: string, above: object[]): Plain {
  const keys = Object.keys(value).length;
  if (keys !== value.length) return refuse(path, "an array with holes or extra properties");
  return value.map((item, index) => toPlain(item, `${path}[${index}]`, above));
}

function plainRecord(
  value: Record<string, unknown>,
  bare: boolean,
  path: string,
  above: object[],
): Plain {
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse(path, "keyed by a symbol");
  const entries: [string, Plain][] = [];
  let escape = bare;
  for (const key of Object.keys(value)) {
    if (key === "$" || key === "__proto__") escape = true;
    entries.push([key, toPlain(value[key], `${path}.${key}`, above)]);
  }
  if (escape) return tagged(bare ? "bare" : "object", entries);
  return Object.fromEntries(entries);
}

function fromPlain(plain: unknown, depth: number): unknown {
  if (typeof plain !== "object" || plain === null) return plain;
  if (depth > MAX_DEPTH * 3) throw bad("nested too deeply");
  if (Array.isArray(plain)) return plain.map((item) => fromPlain(item, depth + 1));
  const record = plain as Record<string, unknown>;
  if (Object.hasOwn(record, "$")) return fromTagged(record["$"], record["v"], depth + 1);
  for (const key of Object.keys(record)) {
    if (key === "__proto__") throw bad("a bare __proto__");
    record[key] = fromPlain(record[key], depth + 1);
  }
  return record;
}

function fromTagged(kind: unknown, v: unknown, depth: number): unknown {
  switch (kind) {
    case "undefined":
      return undefined;
    case "number":
      if (v !== "NaN" && v !== "Infinity" && v !== "-Infinity" && v !== "-0") throw bad("a number");
      return Number(v);
    case "bigint":
      if (typeof v !== "string" || !/^-?\d+$/.test(v)) throw bad("a bigint");
      return BigInt(v);
    case "date":
      if (v !== null && typeof v !== "number") throw bad("a date");
      return new Date(v ?? NaN);
    case "bytes":
      if (typeof v !== "string") throw bad("bytes");
      return fromBase64(v);
    case "set":
      return new Set(list(v).map((item) => fromPlain(item, depth)));
    case "map":
      return new Map(pairs(v).map(([k, item]) => [fromPlain(k, depth), fromPlain(item, depth)]));
    case "object":
    case "bare":
      return fromEntries(kind === "bare" ? Object.create(null) : {}, pairs(v), depth);
    default:
      throw bad(`the kind ${JSON.stringify(kind)}`);
  }
}

/** `defineProperty`, because assigning to `__proto__` would change the prototype. */
function fromEntries(into: object, entries: [unknown, unknown][], depth: number): object {
  for (const [key, item] of entries) {
    if (typeof key !== "string") throw bad("an object key");
    const value = fromPlain(item, depth);
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
