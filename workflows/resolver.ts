/** Puts values into texts: what is known now becomes text, the rest stays a reference or a hole. */

import { type Bindings, boundValue } from "./bindings.ts";
import type { Definition } from "./definition.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import { type Expression, formatDate, isTemplate, parseText } from "./expression.ts";
import { LIMITS } from "./limits.ts";
import type { LatePart, SealedTemplate, Template } from "./plan.ts";
import type { Scope } from "./scope.ts";
import type { ValuePath } from "./source.ts";
import type { SealedPart } from "./spec.ts";

/** A resolved part; `declared` text stands in the file itself, other text was brought in by a variable. */
export type Piece =
  | { readonly kind: "text"; readonly text: string; readonly declared: boolean }
  | { readonly kind: "reference"; readonly part: Exclude<SealedPart, string> }
  | { readonly kind: "late"; readonly part: LatePart };

/** `text`: environment and files become text. `sealed`: they stay references, as secrets always do. */
export type ResolveMode = "text" | "sealed";

/** Where a text stands, and the variables on the way to it. */
interface Site {
  readonly path: ValuePath;
  readonly mode: ResolveMode;
  readonly needle: string;
}

/** Resolves the texts of one definition with one set of bindings; problems are collected, not thrown. */
export class Resolver {
  readonly definition: Definition;
  readonly bindings: Bindings;
  readonly diagnostics: Diagnostic[] = [];
  readonly #scope: Scope;
  readonly #variables: Readonly<Record<ResolveMode, Map<string, readonly Piece[]>>> = {
    text: new Map(),
    sealed: new Map(),
  };
  readonly #reported = new Set<string>();

  /** Whether some text lacks a value: what is built from it is not worth a closer look. */
  get isIncomplete(): boolean {
    return this.#reported.size > 0;
  }

  constructor(definition: Definition, scope: Scope, bindings: Bindings) {
    this.definition = definition;
    this.bindings = bindings;
    this.#scope = scope;
  }

  /** Notes a problem at a value. */
  report(code: DiagnosticCode, message: string, path: ValuePath, suggestion?: string): void {
    this.diagnostics.push(this.definition.document.finding(code, message, path, { suggestion }));
  }

  /** The parts of a text. */
  pieces(text: string, path: ValuePath, mode: ResolveMode): readonly Piece[] {
    if (!isTemplate(text)) return text === "" ? [] : [{ kind: "text", text, declared: true }];
    return this.#expand(text, { path, mode, needle: "" });
  }

  /** A visible text with holes. */
  template(text: string, path: ValuePath): Template {
    return templateOf(this.pieces(text, path, "text"));
  }

  /** A sealed text with holes. */
  sealed(text: string, path: ValuePath): SealedTemplate {
    return sealedOf(this.pieces(text, path, "sealed"));
  }

  #expand(text: string, site: Site): readonly Piece[] {
    const pieces: Piece[] = [];
    let characters = 0;
    for (const part of parseText(text).parts) {
      const found = typeof part === "string"
        ? [{ kind: "text", text: part, declared: true } as const]
        : this.#expression(part, site.needle === "" ? { ...site, needle: part.written } : site);
      for (const piece of found) {
        characters += piece.kind === "text" ? piece.text.length : 0;
        pieces.push(piece);
      }
      if (characters > LIMITS.expandedCharacters || pieces.length > LIMITS.expandedParts) {
        this.#once("tooMany", "the text grows too long once its variables are put in", site);
        return [];
      }
    }
    return pieces;
  }

  #expression(expression: Expression, site: Site): readonly Piece[] {
    const meaning = this.#scope.meaning(expression.reference);
    switch (meaning.kind) {
      case "variable":
        return this.#variable(meaning.name, site);
      case "date":
        return [text(formatDate(meaning.pattern, this.bindings.nowMs), true)];
      case "metadata":
        return [text(meaning.value, true)];
      case "late":
        return this.#late(meaning.name, site);
      case "step":
        return [{ kind: "late", part: { step: meaning.step, field: meaning.field } }];
      case "error":
        return [{ kind: "late", part: { error: meaning.field } }];
      case "env":
        return this.#outside({ env: meaning.name }, this.bindings.env, meaning.name, site);
      case "file":
        return this.#outside({ file: meaning.name }, this.bindings.files, meaning.name, site);
      case "secret":
        return this.#secret(meaning.name, site);
      case "unknown":
        this.#once("unknownVariable", meaning.message, site);
        return [];
    }
  }

  #variable(name: string, site: Site): readonly Piece[] {
    const memo = this.#variables[site.mode];
    const known = memo.get(name);
    if (known !== undefined) return known;
    memo.set(name, []);
    const given = boundValue(this.bindings, name);
    const declared = this.#scope.variables.get(name) ?? null;
    const pieces = given !== null
      ? [text(given, false)]
      : declared === null
      ? this.#late(name, site)
      : this.#expand(declared, site);
    memo.set(name, pieces);
    return pieces;
  }

  #late(name: string, site: Site): readonly Piece[] {
    const { tenant, namespace } = this.definition.model.metadata;
    const own = name === "tenant.id" || name === "tenant.name"
      ? tenant
      : name === "namespace.name"
      ? namespace
      : undefined;
    const value = boundValue(this.bindings, name) ?? own;
    if (value !== undefined) return [text(value, false)];
    this.#once("unbound", `"${name}" has no value`, site, `give it with --var ${name}=...`);
    return [];
  }

  #outside(
    part: Exclude<SealedPart, string>,
    values: Readonly<Record<string, string>>,
    name: string,
    site: Site,
  ): readonly Piece[] {
    if (site.mode === "sealed") return [{ kind: "reference", part }];
    if (Object.hasOwn(values, name)) {
      const value = "file" in part ? values[name]!.replace(/\r?\n$/, "") : values[name]!;
      return [text(value, false)];
    }
    const what = "file" in part ? `the file "${name}"` : `the environment variable ${name}`;
    this.#once("unbound", `${what} has no value`, site);
    return [];
  }

  #secret(name: string, site: Site): readonly Piece[] {
    if (site.mode === "sealed") return [{ kind: "reference", part: { secret: name } }];
    this.#once("secretInText", `\${secret:${name}} would become visible here`, site);
    return [];
  }

  #once(code: DiagnosticCode, message: string, site: Site, suggestion?: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    const options = { needle: site.needle, suggestion };
    this.diagnostics.push(
      this.definition.document.finding(code, message, site.path, options),
    );
  }
}

function text(value: string, declared: boolean): Piece {
  return { kind: "text", text: value, declared };
}

/** Parts as a template; neighbouring texts become one. References cannot be in a visible text. */
export function templateOf(pieces: readonly Piece[]): Template {
  return sealedOf(pieces.filter((piece) => piece.kind !== "reference")) as Template;
}

/** Parts as a sealed template; neighbouring texts become one. */
export function sealedOf(pieces: readonly Piece[]): SealedTemplate {
  const parts: (SealedPart | LatePart)[] = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    if (piece.kind !== "text") parts.push(piece.part);
    else if (typeof last === "string") parts[parts.length - 1] = last + piece.text;
    else if (piece.text !== "") parts.push(piece.text);
  }
  return parts;
}
