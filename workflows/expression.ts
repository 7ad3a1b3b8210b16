/** The template language: text with `${...}` holes; `$${` stands for a literal `${`. */

import { didYouMean } from "./suggest.ts";
import { LIMITS } from "./limits.ts";

/** What one `${...}` asks for. */
export type Reference =
  | { readonly kind: "date"; readonly pattern: string }
  | { readonly kind: "env" | "file" | "secret"; readonly name: string }
  | { readonly kind: "name"; readonly name: string };

/** A `${...}` with its place in the text. */
export interface Expression {
  readonly reference: Reference;
  /** The expression as written, braces included. */
  readonly written: string;
  readonly offset: number;
}

/** A text taken apart; literals are unescaped. */
export type TextPart = string | Expression;

/** Why a text is not a template; `needle` is the offending piece of it. */
export interface ExpressionProblem {
  readonly message: string;
  readonly needle: string;
  readonly suggestion?: string | undefined;
}

const FUNCTIONS = ["date", "env", "file", "secret"] as const;
const DOTTED = /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_./-]*)*$/;
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a text has anything to resolve; false for nearly all of them, and cheap. */
export function isTemplate(text: string): boolean {
  return text.includes("${");
}

/** Takes a text apart; what cannot be read is left out of `parts` and named in `problems`. */
export function parseText(text: string): { parts: TextPart[]; problems: ExpressionProblem[] } {
  const parts: TextPart[] = [];
  const problems: ExpressionProblem[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("${", at);
    if (next === -1) break;
    if (next > at && text[next - 1] === "$") {
      literal += text.slice(at, next - 1) + "${";
      at = next + 2;
      continue;
    }
    literal += text.slice(at, next);
    const end = text.indexOf("}", next);
    if (end === -1) {
      problems.push({ message: "a ${ without its }", needle: text.slice(next, next + 32) });
      return { parts: literal === "" ? parts : [...parts, literal], problems };
    }
    if (literal !== "") parts.push(literal);
    literal = "";
    addExpression(text.slice(next, end + 1), next, parts, problems);
    at = end + 1;
  }
  literal += text.slice(at);
  if (literal !== "") parts.push(literal);
  return { parts, problems };
}

function addExpression(
  written: string,
  offset: number,
  parts: TextPart[],
  problems: ExpressionProblem[],
): void {
  const read = parseReference(written);
  if ("message" in read) problems.push({ ...read, needle: written });
  else parts.push({ reference: read, written, offset });
}

function parseReference(
  written: string,
): Reference | { message: string; suggestion?: string | undefined } {
  const inner = written.slice(2, -1).trim();
  if (written.length > LIMITS.expressionCharacters) {
    return { message: `an expression longer than ${LIMITS.expressionCharacters} characters` };
  }
  if (inner === "") {
    return { message: "an empty expression ${}", suggestion: "write $${ for a literal ${" };
  }
  if (inner.includes("${")) {
    return { message: `expressions cannot stand within each other: ${written}` };
  }
  const colon = inner.indexOf(":");
  if (colon !== -1) return parseFunction(inner.slice(0, colon), inner.slice(colon + 1));
  if (DOTTED.test(inner)) return { kind: "name", name: inner };
  return {
    message: `"${inner}" is not a name`,
    suggestion: "an expression is a name such as ${ROOT} or a function such as ${date:yyyy-MM-dd}",
  };
}

function parseFunction(
  name: string,
  argument: string,
): Reference | { message: string; suggestion?: string | undefined } {
  if (argument === "") return { message: `\${${name}:} names nothing` };
  if (name === "date") {
    const wrong = unknownDateLetters(argument);
    return wrong === null ? { kind: "date", pattern: argument } : { message: wrong };
  }
  if (name === "env" || name === "secret" || name === "file") {
    if (name === "env" && !ENVIRONMENT_NAME.test(argument)) {
      return { message: `"${argument}" is not the name of an environment variable` };
    }
    return { kind: name, name: argument };
  }
  const suggestion = didYouMean(name, FUNCTIONS) ?? `functions: ${FUNCTIONS.join(", ")}`;
  return { message: `there is no function "${name}"`, suggestion };
}

const DATE_FIELDS: Readonly<Record<string, (date: Date, width: number) => string>> = {
  y: (date, width) => {
    const year = String(date.getUTCFullYear()).padStart(4, "0");
    return width === 2 ? year.slice(-2) : year.padStart(width, "0");
  },
  M: (date, width) => digits(date.getUTCMonth() + 1, width),
  d: (date, width) => digits(date.getUTCDate(), width),
  H: (date, width) => digits(date.getUTCHours(), width),
  h: (date, width) => digits(((date.getUTCHours() + 11) % 12) + 1, width),
  a: (date) => date.getUTCHours() < 12 ? "AM" : "PM",
  m: (date, width) => digits(date.getUTCMinutes(), width),
  s: (date, width) => digits(date.getUTCSeconds(), width),
  S: (date, width) =>
    String(date.getUTCMilliseconds()).padStart(3, "0").padEnd(width, "0").slice(0, width),
  D: (date, width) => digits(dayOfYear(date), width),
  X: () => "Z",
};
const DATE_TOKEN = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g;

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

function unknownDateLetters(pattern: string): string | null {
  for (const token of pattern.matchAll(DATE_TOKEN)) {
    const letter = token[2];
    if (token[0] === "'") return `the date pattern "${pattern}" has an open quote`;
    if (letter !== undefined && !(letter in DATE_FIELDS)) {
      return `the date pattern "${pattern}" has an unknown letter "${letter}"; ` +
        `known: ${Object.keys(DATE_FIELDS).join(" ")}, other letters in 'quotes'`;
    }
    if (letter === "M" && token[0].length > 2) return "names of months are not offered; write MM";
  }
  return null;
}

/** A moment by a Java-style pattern (`yyyy-MM-dd'T'HH:mm:ss.SSS`), always in UTC. */
export function formatDate(pattern: string, nowMs: number): string {
  const date = new Date(nowMs);
  return pattern.replace(
    DATE_TOKEN,
    (token, quoted: string | undefined, letter: string | undefined) => {
      if (quoted !== undefined) return quoted === "" ? "'" : quoted.replaceAll("''", "'");
      return letter === undefined ? token : DATE_FIELDS[letter]!(date, token.length);
    },
  );
}
