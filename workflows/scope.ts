/** Which names an expression may use, and what each of them stands for. */

import { type Definition, type StepDeclaration, stepsOf, variablesOf } from "./definition.ts";
import { parseText, type Reference } from "./expression.ts";
import type { ErrorField, StepField } from "./plan.ts";
import { didYouMean, nearest } from "./suggest.ts";

/** The facts of an earlier transfer, in the order in which they are listed to people. */
export const STEP_FIELDS: readonly StepField[] = [
  "success",
  "state",
  "result.checksum",
  "result.bytes",
  "result.uri",
  "result.durationMs",
  "error.message",
];
/** The facts of a failed run. */
export const ERROR_FIELDS: readonly ErrorField[] = ["message", "code", "transfer"];

/** First words with a meaning of their own: no transfer may be called like that. */
export const RESERVED_NAMES: readonly string[] = [
  "metadata",
  "tenant",
  "namespace",
  "system",
  "error",
  "shared",
];
const LATE_ROOTS: readonly string[] = ["tenant", "namespace", "system", "shared"];

/** What a name stands for; `late` is bound by `--var` or the tenant's configuration. */
export type Meaning =
  | Exclude<Reference, { kind: "name" }>
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "metadata"; readonly value: string }
  | { readonly kind: "late"; readonly name: string }
  | { readonly kind: "step"; readonly step: string; readonly field: StepField }
  | { readonly kind: "error"; readonly field: ErrorField };

/** What is left once variables have been followed to their ends. */
export type Leaf = Exclude<Meaning, { kind: "variable" }>;

/** A name without a meaning. */
export interface UnknownName {
  readonly kind: "unknown";
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** The names of one definition. */
export class Scope {
  readonly variables: ReadonlyMap<string, string | null>;
  readonly steps: ReadonlyMap<string, StepDeclaration>;
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #given: ReadonlySet<string>;
  readonly #leaves = new Map<string, readonly Leaf[]>();

  /** `given`: names that the caller will bind although the file does not declare them. */
  constructor(definition: Definition, given: Iterable<string> = []) {
    this.variables = variablesOf(definition);
    this.steps = new Map(stepsOf(definition).map((step) => [step.name, step]));
    this.#metadata = metadataNames(definition);
    this.#given = new Set(given);
  }

  /** What a reference stands for. */
  meaning(reference: Reference): Meaning | UnknownName {
    if (reference.kind !== "name") return reference;
    const { name } = reference;
    if (this.variables.has(name)) return { kind: "variable", name };
    const dot = name.indexOf(".");
    const first = dot === -1 ? name : name.slice(0, dot);
    const rest = dot === -1 ? "" : name.slice(dot + 1);
    if (first === "metadata") return this.#metadataMeaning(name);
    if (first === "error") return errorMeaning(rest);
    if (this.steps.has(first)) return stepMeaning(first, rest);
    if (LATE_ROOTS.includes(first) && rest !== "") return { kind: "late", name };
    if (this.#given.has(name)) return { kind: "late", name };
    return this.#unknown(name, first);
  }

  /** A transfer's fact, or `null` for any other name: what conditions are lowered with. */
  readonly stepLookup = (reference: Reference): { step: string; field: StepField } | null => {
    const meaning = this.meaning(reference);
    return meaning.kind === "step" ? meaning : null;
  };

  /** The ends of all references of a text, variables followed; unknown names are left out. */
  leaves(text: string): readonly Leaf[] {
    const found: Leaf[] = [];
    for (const part of parseText(text).parts) {
      if (typeof part !== "string") found.push(...this.leavesOf(part.reference));
    }
    return found;
  }

  /** The ends of one reference. A cycle of variables ends where it would repeat. */
  leavesOf(reference: Reference): readonly Leaf[] {
    const meaning = this.meaning(reference);
    if (meaning.kind === "unknown") return [];
    return meaning.kind === "variable" ? this.#variableLeaves(meaning.name) : [meaning];
  }

  /** The variables that a text names directly. */
  variablesIn(text: string): string[] {
    const names: string[] = [];
    for (const part of parseText(text).parts) {
      if (typeof part === "string") continue;
      const meaning = this.meaning(part.reference);
      if (meaning.kind === "variable") names.push(meaning.name);
    }
    return names;
  }

  #variableLeaves(name: string): readonly Leaf[] {
    const known = this.#leaves.get(name);
    if (known !== undefined) return known;
    this.#leaves.set(name, []);
    const text = this.variables.get(name) ?? null;
    const unique = new Map<string, Leaf>();
    const found = text === null ? [{ kind: "late", name } as const] : this.leaves(text);
    for (const leaf of found) unique.set(JSON.stringify(leaf), leaf);
    const leaves = [...unique.values()];
    this.#leaves.set(name, leaves);
    return leaves;
  }

  #metadataMeaning(name: string): Meaning | UnknownName {
    const value = this.#metadata.get(name);
    if (value !== undefined) return { kind: "metadata", value };
    const suggestion = didYouMean(name, this.#metadata.keys());
    return {
      kind: "unknown",
      message: `the metadata of this document has no "${name}"`,
      suggestion,
    };
  }

  #unknown(name: string, first: string): UnknownName {
    const names = [...this.variables.keys(), ...this.#given];
    const message = `unknown variable "${name}"`;
    const close = nearest(name, names);
    if (close !== null) return { kind: "unknown", message, suggestion: `did you mean "${close}"?` };
    const root = name.includes(".")
      ? nearest(first, [...this.steps.keys(), ...RESERVED_NAMES])
      : null;
    const suggestion = root === null
      ? `declare it under spec.variables, or give it with --var ${name}=...`
      : `did you mean "${root}${name.slice(first.length)}"?`;
    return { kind: "unknown", message, suggestion };
  }
}

function metadataNames(definition: Definition): Map<string, string> {
  const { metadata } = definition.model;
  const names = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") names.set(`metadata.${key}`, value);
    else {for (const [label, text] of Object.entries(value ?? {})) {
        names.set(`metadata.${key}.${label}`, String(text));
      }}
  }
  return names;
}

function stepMeaning(step: string, rest: string): Meaning | UnknownName {
  const field = STEP_FIELDS.find((known) => known === rest);
  if (field !== undefined) return { kind: "step", step, field };
  const close = nearest(rest, STEP_FIELDS);
  const message = rest === ""
    ? `"${step}" is a transfer; say which fact of it is meant`
    : `a transfer has no "${rest}"`;
  const suggestion = close === null
    ? `known: ${STEP_FIELDS.map((known) => `${step}.${known}`).join(", ")}`
    : `did you mean "${step}.${close}"?`;
  return { kind: "unknown", message, suggestion };
}

function errorMeaning(rest: string): Meaning | UnknownName {
  const field = ERROR_FIELDS.find((known) => known === rest);
  if (field !== undefined) return { kind: "error", field };
  const message = `a failure has no "${rest}"`;
  const suggestion = `known: ${ERROR_FIELDS.map((known) => `error.${known}`).join(", ")}`;
  return { kind: "unknown", message, suggestion };
}
