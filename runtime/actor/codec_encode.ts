/** The writing half of the codec: a body becomes what JSON carries, or is refused with its path. */

import { ActorError } from "./errors.ts";
import { ACTOR_LIMITS } from "./limits.ts";

const ADDRESS = "send ref.address and make a ref of it with ctx.ref";
const MAX_DEPTH = ACTOR_LIMITS.messageDepth.value;

/** A value that JSON carries as it is. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

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
    if (
      key === "$" || key === "__proto__" ||
      !isPlainBelow((value as Record<string, unknown>)[key], depth)
    ) return false;
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
    return new BodyEncoder(attachments).plain(value);
  } catch (cause) {
    if (cause instanceof ActorError) throw cause;
    throw new ActorError("NotEncodable", "encode message: body cannot be read; send plain data", {
      cause,
    });
  }
}

/** A step of a path: a property, an index, or a key or value of a map. */
type Step = string | number | { readonly of: "key" | "entry"; readonly index: number };

/** One walk; the path is put together only for a refusal. */
class BodyEncoder {
  readonly #attachments: Uint8Array[] | null;
  readonly #above: object[] = [];
  readonly #path: Step[] = [];

  constructor(attachments: Uint8Array[] | null) {
    this.#attachments = attachments;
  }

  plain(value: unknown): Plain {
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
        return value === null ? null : this.#object(value);
      default:
        return this.#refuse(`a ${typeof value}`);
    }
  }

  #inside(item: unknown, step: Step): Plain {
    this.#path.push(step);
    const plain = this.plain(item);
    this.#path.pop();
    return plain;
  }

  #object(value: object): Plain {
    if (this.#above.includes(value)) return this.#refuse("a cycle");
    if (this.#above.length >= MAX_DEPTH) return this.#refuse(`nested deeper than ${MAX_DEPTH}`);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Date.prototype) {
      const time = (value as Date).getTime();
      return tagged("date", Number.isNaN(time) ? null : time);
    }
    if (prototype === Uint8Array.prototype) return this.#bytes(value as Uint8Array);
    this.#above.push(value);
    const plain = this.#container(value, prototype);
    this.#above.pop();
    return plain;
  }

  #bytes(bytes: Uint8Array): Plain {
    if (this.#attachments === null) return tagged("bytes", base64(bytes));
    this.#attachments.push(bytes);
    return tagged("bytes", bytes.length);
  }

  #container(value: object, prototype: unknown): Plain {
    if (prototype === Array.prototype) return this.#array(value as unknown[]);
    if (prototype === Map.prototype) {
      const entries = [...(value as Map<unknown, unknown>)].map(([key, item], index): Plain => [
        this.#inside(key, { of: "key", index }),
        this.#inside(item, { of: "entry", index }),
      ]);
      return tagged("map", entries);
    }
    if (prototype === Set.prototype) {
      const items = [...(value as Set<unknown>)];
      return tagged("set", items.map((item, index) => this.#inside(item, index)));
    }
    if (prototype === Object.prototype || prototype === null) {
      return this.#record(value as Record<string, unknown>, prototype === null);
    }
    if (isRef(value)) return this.#refuse("a ref", ADDRESS);
    return this.#refuse(`an instance of ${value.constructor?.name ?? "a class"}`);
  }

  #array(items: unknown[]): Plain {
    if (Object.keys(items).length !== items.length) {
      return this.#refuse("an array with holes or extra properties");
    }
    return items.map((item, index) => this.#inside(item, index));
  }

  #record(value: Record<string, unknown>, bare: boolean): Plain {
    if (Object.getOwnPropertySymbols(value).length > 0) return this.#refuse("keyed by a symbol");
    const keys = Object.keys(value);
    if (bare || keys.includes("$") || keys.includes("__proto__")) {
      const entries = keys.map((key): Plain => [key, this.#inside(value[key], key)]);
      return tagged(bare ? "bare" : "object", entries);
    }
    const plain: { [key: string]: Plain } = {};
    for (const key of keys) plain[key] = this.#inside(value[key], key);
    return plain;
  }

  #refuse(what: string, advice = "send plain data"): never {
    const path = this.#path.map(textOfStep).join("");
    throw new ActorError("NotEncodable", `encode message: body${path} is ${what}; ${advice}`);
  }
}

/** Refs of every kind, and a probe's; none of them is plain. */
function isRef(value: object): boolean {
  const { address, tell } = value as { readonly address?: unknown; readonly tell?: unknown };
  return typeof address === "string" && typeof tell === "function";
}

function textOfStep(step: Step): string {
  if (typeof step === "string") return `.${step}`;
  return typeof step === "number" ? `[${step}]` : ` ${step.of} ${step.index}`;
}

function tagged(kind: string, v: Plain): Plain {
  return { $: kind, v };
}

function plainNumber(value: number): Plain {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return tagged("number", Object.is(value, -0) ? "-0" : String(value));
}

/** Hexadecimal, because reading a long decimal takes more than linear time. */
function hexOf(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(text);
}
