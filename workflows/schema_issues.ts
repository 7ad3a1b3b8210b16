/** What zod found, said in the words of the file. */

import { z } from "zod";
import { didYouMean } from "./suggest.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { SourceDocument, ValuePath } from "./source.ts";

/** The parts of a JSON Schema that are walked to find the known keys of a place. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
}

type Issue = z.core.$ZodIssue;

/** The findings of a failed parse, each at its key or value. */
export function issueFindings(
  document: SourceDocument,
  schema: z.ZodType,
  issues: readonly Issue[],
): Diagnostic[] {
  const root = z.toJSONSchema(schema, { io: "input" }) as SchemaNode;
  return issues.flatMap((issue) => describe(document, root, issue));
}

function describe(document: SourceDocument, root: SchemaNode, issue: Issue): Diagnostic[] {
  const path = issue.path as ValuePath;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(document, root, path, key));
    case "invalid_key":
      return [named(document, path, `the name is not allowed here: ${issue.issues[0]?.message}`)];
    case "invalid_union":
      return union(document, path, issue);
    case "invalid_value":
      return [choice(document, path, issue.values)];
    case "invalid_type":
      if (issue.input === undefined && /undefined/.test(issue.message)) {
        return [missing(document, path)];
      }
      return [wrongType(document, path, issue)];
    default:
      return [value(document, path, lowerFirst(issue.message))];
  }
}

function unknownKey(
  document: SourceDocument,
  root: SchemaNode,
  path: ValuePath,
  key: string,
): Diagnostic {
  const known = knownKeys(root, path);
  const suggestion = didYouMean(key, known) ??
    (known.length === 0 ? undefined : `known here: ${known.join(", ")}`);
  const message = `unknown key "${key}" in ${where(path)}`;
  return document.finding("unknownKey", message, [...path, key], { atKey: true, suggestion });
}

function union(
  document: SourceDocument,
  path: ValuePath,
  issue: Extract<Issue, { code: "invalid_union" }>,
): Diagnostic[] {
  const alternatives = (issue as { options?: readonly unknown[] }).options;
  if (alternatives !== undefined) return [choice(document, path, alternatives)];
  const unknown = issue.errors.flat().find((inner) => inner.code === "unrecognized_keys");
  if (unknown !== undefined) {
    const keyPath = [...path, ...unknown.path as ValuePath, unknown.keys[0]!];
    const message = `unknown key "${unknown.keys[0]}" in ${where(path)}`;
    return [document.finding("unknownKey", message, keyPath, { atKey: true })];
  }
  return [value(document, path, lowerFirst(issue.message))];
}

function choice(document: SourceDocument, path: ValuePath, values: readonly unknown[]): Diagnostic {
  const words = values.map(String);
  const found = document.valueAt(path);
  if (found === undefined) return missing(document, path);
  const suggestion = didYouMean(String(found), words);
  const expected = words.length === 1 ? words[0] : `one of ${words.join(", ")}`;
  const message = `${where(path)} is "${String(found)}", expected ${expected}`;
  return document.finding("invalidValue", message, path, { suggestion });
}

function missing(document: SourceDocument, path: ValuePath): Diagnostic {
  return document.finding("missingKey", `${where(path)} is missing`, path);
}

function wrongType(
  document: SourceDocument,
  path: ValuePath,
  issue: Extract<Issue, { code: "invalid_type" }>,
): Diagnostic {
  const found = document.valueAt(path);
  if (found === undefined) return missing(document, path);
  const said = /^Invalid input/.test(issue.message)
    ? `expected ${typeName(issue.expected)}`
    : issue.message;
  const hint = issue.expected === "string" && typeof found !== "object"
    ? `put it in quotes: "${String(found)}"`
    : undefined;
  const message = `${where(path)} is ${kindOf(found)}, ${said}`;
  return document.finding("invalidValue", message, path, { suggestion: hint });
}

function value(document: SourceDocument, path: ValuePath, message: string): Diagnostic {
  return document.finding("invalidValue", `${where(path)}: ${message}`, path);
}

function named(document: SourceDocument, path: ValuePath, message: string): Diagnostic {
  return document.finding("invalidValue", message, path, { atKey: true });
}

function kindOf(found: unknown): string {
  if (found === null) return "empty";
  if (Array.isArray(found)) return "a list";
  if (typeof found === "object") return "a map";
  if (typeof found === "string") return "text";
  return typeof found === "boolean" ? "true/false" : "a number";
}

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: "text",
    object: "a map",
    record: "a map",
    array: "a list",
    boolean: "true or false",
    int: "a whole number",
    number: "a number",
  };
  return names[expected] ?? expected;
}

/** `spec.transfers[2].source` as people point at it. */
export function where(path: ValuePath): string {
  if (path.length === 0) return "the document";
  return path.map((step, index) =>
    typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`
  ).join("");
}

function lowerFirst(message: string): string {
  return message.slice(0, 1).toLowerCase() + message.slice(1);
}

function knownKeys(root: SchemaNode, path: ValuePath): string[] {
  let nodes: SchemaNode[] = [root];
  for (const step of path) nodes = nodes.flatMap((node) => children(node, step));
  return [...new Set(nodes.flatMap((node) => Object.keys(flat(node).properties ?? {})))];
}

function children(node: SchemaNode, step: string | number): SchemaNode[] {
  const alternatives = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  const found = alternatives.flatMap((alternative) => children(alternative, step));
  if (typeof step === "number") return node.items ? [...found, node.items] : found;
  const property = node.properties?.[step];
  if (property !== undefined) return [...found, property];
  return typeof node.additionalProperties === "object"
    ? [...found, node.additionalProperties]
    : found;
}

function flat(node: SchemaNode): SchemaNode {
  const alternatives = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].map(flat);
  if (alternatives.length === 0) return node;
  return {
    properties: Object.assign({}, node.properties, ...alternatives.map((a) => a.properties)),
  };
}
