/** The single settings of a role, as its schema has them: names, variables, how a text becomes a value. */

import { parse } from "yaml";
import { messageOf } from "../../runtime/base/errors.ts";
import { CliError } from "../exit.ts";
import type { FieldKind } from "./fields.ts";
import { type RoleName, roleSchema } from "./roles.ts";

/** One setting. */
export interface Leaf {
  /** Its keys from the top: `tls.cert` is `["tls", "cert"]`. */
  readonly path: readonly string[];
  /** `tls.cert` */
  readonly name: string;
  /** `QUORUS_TLS_CERT` */
  readonly variable: string;
  readonly description: string;
  readonly kind: FieldKind | null;
  readonly type: "text" | "number" | "boolean" | "list" | "map";
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly fieldKind?: FieldKind;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** All settings of a role, in the order of its schema. */
export function leavesOf(role: RoleName): Leaf[] {
  const leaves: Leaf[] = [];
  collect(roleSchema(role) as Schema, [], leaves);
  return leaves;
}

function collect(schema: Schema, path: readonly string[], into: Leaf[]): void {
  if (schema.properties !== undefined) {
    for (const [key, inner] of Object.entries(schema.properties)) {
      collect(inner, [...path, key], into);
    }
    return;
  }
  into.push({
    path,
    name: path.join("."),
    variable: variableOf(path),
    description: schema.description ?? "",
    kind: schema.fieldKind ?? null,
    type: typeOf(schema),
  });
}

function typeOf(schema: Schema): Leaf["type"] {
  if (schema.fieldKind === "map") return "map";
  if (schema.type === "array") return "list";
  if (schema.type === "boolean") return "boolean";
  return schema.type === "integer" || schema.type === "number" ? "number" : "text";
}

/** `limits.remote.graceMs` is `QUORUS_LIMITS_REMOTE_GRACE_MS`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return `QUORUS_${words.join("_")}`;
}

/** The value that a variable or a flag gives as text; lists and maps as `a,b` and `a=1,b=2`, or as YAML. */
export function valueOfText(leaf: Leaf, text: string, from: string): unknown {
  const refuse = (why: string) =>
    new CliError("invalidInput", `cannot use ${from}=${JSON.stringify(text)}: ${why}`);
  switch (leaf.type) {
    case "text":
      return text;
    case "number":
      if (text.trim() === "" || Number.isNaN(Number(text))) throw refuse("it is not a number");
      return Number(text);
    case "boolean":
      if (text !== "true" && text !== "false") throw refuse("it is neither true nor false");
      return text === "true";
    case "list":
    case "map":
      return structureOf(leaf.type, text, refuse);
  }
}

function structureOf(
  type: "list" | "map",
  text: string,
  refuse: (why: string) => CliError,
): unknown {
  const trimmed = text.trim();
  if (trimmed.startsWith("{") || trimmed.startsWith("[")) {
    try {
      return parse(trimmed, { maxAliasCount: 0 });
    } catch (thrown) {
      throw refuse(`it is not YAML: ${messageOf(thrown).split("\n")[0]}`);
    }
  }
  const parts = trimmed === "" ? [] : trimmed.split(",").map((part) => part.trim());
  if (type === "list") return parts;
  return Object.fromEntries(parts.map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw refuse(`"${part}" is not NAME=VALUE`);
    return [part.slice(0, at), part.slice(at + 1)];
  }));
}
