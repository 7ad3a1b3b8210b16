/** What makes two runs the same run. */

import { type Bindings, boundValue } from "./bindings.ts";
import type { Definition } from "./definition.ts";
import { needs } from "./needs.ts";
import { variablesOf } from "./definition.ts";

/** What is done to values that came from the environment or a file before they enter the text. */
export type Conceal = (value: string) => string;

/**
 * The canonical text whose hash names a run: the document as declared, and the values that its plain texts
 * use. The moment is not in it, so that a run interrupted before midnight is found again after it; secrets
 * and sealed environment variables are in it by name only. `conceal` hashes values that may be private.
 */
export function runDigest(
  definition: Definition,
  bindings: Bindings,
  conceal: Conceal = (value) => value,
): string {
  const wanted = needs(definition, Object.keys(bindings.values));
  const pick = (names: readonly string[], values: Readonly<Record<string, string>>) =>
    names.map((name) => [name, Object.hasOwn(values, name) ? conceal(values[name]!) : null]);
  const overridable = new Set([...wanted.values, ...variablesOf(definition).keys()]);
  const values = [...overridable].sort().map((name) => [name, boundValue(bindings, name)])
    .filter(([, value]) => value !== null);
  return canonicalJson({
    format: 1,
    document: definition.model,
    values,
    env: pick(wanted.env, bindings.env),
    files: pick(wanted.files, bindings.files),
    pathBase: bindings.pathBase,
  });
}

/** JSON with the keys of every map in code-unit order, so that equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    .sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0)
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${entries.join(",")}}`;
}
