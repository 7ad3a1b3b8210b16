/** From text to definitions: every finding of a file at once, nothing half-read. */

import type { z } from "zod";
import { checkDefinition } from "./check.ts";
import type { Definition } from "./definition.ts";
import { byPosition, type Diagnostic, hasErrors } from "./diagnostic.ts";
import { LIMITS } from "./limits.ts";
import { API_VERSION, KINDS, LATER_KINDS } from "./schema.ts";
import { issueFindings } from "./schema_issues.ts";
import { type ParsedDocument, parseYaml, SourceFile } from "./source.ts";
import { didYouMean } from "./suggest.ts";

/** What the caller knows besides the text. */
export interface ParseOptions {
  /** The file's name, for the findings. */
  readonly file: string;
  /** Names that `--var` and `--vars` will bind: expressions may use them though no variable declares them. */
  readonly given?: Iterable<string>;
}

/** The sound documents of a file, and all findings by position. */
export interface ParseResult {
  readonly definitions: readonly Definition[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the YAML documents of a file and checks all that can be checked without values: syntax, keys,
 * names, dependencies, expressions, conditions. A document with an error is not among `definitions`.
 */
export function parseDocuments(text: string, options: ParseOptions): ParseResult {
  const source = new SourceFile(options.file, text);
  const given = [...options.given ?? []];
  const { documents, diagnostics } = parseYaml(source);
  const definitions: Definition[] = [];
  for (const parsed of documents) {
    const { definition, found } = readDefinition(parsed, given);
    diagnostics.push(...found);
    if (definition !== null) definitions.push(definition);
  }
  if (documents.length === 0 && diagnostics.length === 0) {
    diagnostics.push(source.finding("empty", "the file holds no document", 0, 1));
  }
  diagnostics.push(...duplicateDocuments(definitions));
  const sorted = diagnostics.sort(byPosition).slice(0, LIMITS.diagnostics);
  return { definitions, diagnostics: sorted };
}

function readDefinition(
  parsed: ParsedDocument,
  given: readonly string[],
): { definition: Definition | null; found: Diagnostic[] } {
  const { document, value } = parsed;
  const kind = readKind(parsed);
  if (typeof kind !== "string") return { definition: null, found: [kind] };
  const result = KINDS[kind].safeParse(value);
  if (!result.success) {
    const found = issueFindings(document, KINDS[kind], result.error.issues);
    const { issues } = result.error;
    return { definition: null, found: [...found, ...furtherFindings(parsed, kind, issues, given)] };
  }
  const model = result.data;
  const definition: Definition = { kind, name: model.metadata.name, model, document };
  const found = checkDefinition(definition, given);
  return { definition: hasErrors(found) ? null : definition, found };
}

/**
 * All findings of a file at once: without the keys that the schema refuses, the rest may well be sound
 * enough for the other checks. What is missing may be missing because of that, so it is not told.
 */
function furtherFindings(
  { document, value }: ParsedDocument,
  kind: keyof typeof KINDS,
  issues: readonly z.core.$ZodIssue[],
  given: readonly string[],
): Diagnostic[] {
  const rest = structuredClone(value);
  for (const issue of issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [issue.path.at(-1)];
    const path = issue.code === "unrecognized_keys" ? issue.path : issue.path.slice(0, -1);
    const parent = path.reduce<unknown>(
      (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
      rest,
    );
    if (typeof parent !== "object" || parent === null || Array.isArray(parent)) continue;
    for (const key of keys) if (key !== undefined) Reflect.deleteProperty(parent, key);
  }
  const result = KINDS[kind].safeParse(rest);
  if (!result.success) return [];
  const model = result.data;
  const found = checkDefinition({ kind, name: model.metadata.name, model, document }, given);
  return found.filter(({ code }) => code !== "missingKey" && code !== "notADependency");
}

function readKind({ document, value }: ParsedDocument): keyof typeof KINDS | Diagnostic {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return document.finding("invalidValue", "the document is not a map of keys", []);
  }
  const { kind, apiVersion } = value as Record<string, unknown>;
  if (kind === undefined) return document.finding("missingKey", "kind is missing", ["kind"]);
  if (apiVersion !== API_VERSION && apiVersion !== undefined) {
    const message = `apiVersion is "${String(apiVersion)}", expected ${API_VERSION}`;
    return document.finding("invalidValue", message, ["apiVersion"]);
  }
  if (typeof kind === "string" && Object.hasOwn(KINDS, kind)) return kind as keyof typeof KINDS;
  if (LATER_KINDS.includes(String(kind))) {
    const message = `the kind ${String(kind)} is not carried out by this version`;
    const suggestion = `carried out: ${Object.keys(KINDS).join(", ")}`;
    return document.finding("unsupportedKind", message, ["kind"], { suggestion });
  }
  const suggestion = didYouMean(String(kind), [...Object.keys(KINDS), ...LATER_KINDS]) ??
    `known: ${Object.keys(KINDS).join(", ")}`;
  return document.finding("invalidValue", `unknown kind "${String(kind)}"`, ["kind"], {
    suggestion,
  });
}

function duplicateDocuments(definitions: readonly Definition[]): Diagnostic[] {
  const seen = new Set<string>();
  const found: Diagnostic[] = [];
  for (const { name, document } of definitions) {
    if (seen.has(name)) {
      const message = `the file holds two documents called "${name}"`;
      found.push(document.finding("duplicateName", message, ["metadata", "name"]));
    }
    seen.add(name);
  }
  return found;
}
