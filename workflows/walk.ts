/** Every text of a definition that may hold expressions, and what may stand in it. */

import type { Definition } from "./definition.ts";
import { isTemplate } from "./expression.ts";
import type { ValuePath } from "./source.ts";

/**
 * What a text is for: `text` becomes visible text, `sealed` keeps references, `variable` is followed where
 * it is used, `failure` may name the error, `unused` is checked and then ignored.
 */
export type TextRole = "text" | "sealed" | "variable" | "failure" | "condition" | "unused";

/** One text with its place; `step` is the index of the transfer it belongs to, `null` for the group. */
export interface DeclaredText {
  readonly path: ValuePath;
  readonly text: string;
  readonly role: TextRole;
  readonly step: number | null;
}

const SEALED_KEYS: ReadonlySet<string> = new Set([
  "headers",
  "authentication",
  "auth",
  "tls",
  "encryption",
]);
const UNUSED_KEYS: ReadonlySet<string> = new Set([
  "monitoring",
  "dataQuality",
  "networkOptimization",
  "serviceAccount",
  "description",
]);

/** The texts of `spec` that hold a `${`; conditions always. */
export function declaredTexts(definition: Definition): DeclaredText[] {
  const found: DeclaredText[] = [];
  walk(definition.model.spec, ["spec"], "text", null, found);
  return found;
}

function walk(
  value: unknown,
  path: ValuePath,
  role: TextRole,
  step: number | null,
  found: DeclaredText[],
): void {
  if (typeof value === "string") {
    if (role === "condition" || isTemplate(value)) found.push({ path, text: value, role, step });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const inTransfers = path.length === 2 && path[1] === "transfers";
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, child] of entries) {
    if (typeof child !== "string" && typeof child !== "object") continue;
    const childRole = roleOf(path, key, role);
    walk(child, [...path, key], childRole, inTransfers ? Number(key) : step, found);
  }
}

function roleOf(path: ValuePath, key: string | number, role: TextRole): TextRole {
  if (role !== "text") return role;
  if (path.length === 1 && key === "variables") return "variable";
  if (path.length === 1 && key === "onFailure") return "failure";
  if (key === "condition" && path.at(-2) === "transfers") return "condition";
  if (typeof key === "number") return role;
  if (UNUSED_KEYS.has(key)) return "unused";
  return SEALED_KEYS.has(key) ? "sealed" : role;
}
