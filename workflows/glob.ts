/**
 * Globs over relative paths, matched segment by segment without backtracking over the whole: the time is
 * at most the pattern's length times the path's. `*` and `?` stay within a segment, `**` is any number of
 * segments, `[a-z]` and `[!a]` are one character, `{a,b}` are alternatives, `\` takes the next literally.
 * `*` and `?` do not match a leading dot unless `dot` says so.
 */

import { LIMITS } from "./limits.ts";

type Token =
  | { readonly kind: "char"; readonly char: string }
  | { readonly kind: "one" }
  | { readonly kind: "many" }
  | {
    readonly kind: "class";
    readonly negated: boolean;
    readonly ranges: readonly (readonly [string, string])[];
  };

/** One segment of a pattern; `null` is `**`. */
type Segment = readonly Token[] | null;

/** Whether a leading dot counts like any other character. */
export interface GlobOptions {
  readonly dot: boolean;
}

/** A compiled glob. */
export interface Glob {
  /** Whether it matches these names, from the top down. */
  matches(path: readonly string[]): boolean;
  /** Whether it could match something below this directory. */
  couldMatchBelow(directory: readonly string[]): boolean;
  /** Segments of a match; `null` where there is no bound. */
  readonly depth: number | null;
}

/** Why a text is no glob. */
export interface GlobFault {
  readonly fault: string;
}

/**
 * Compiles a pattern. One without a slash is for the name alone, at any depth; others are for the whole
 * path, with or without a slash in front.
 */
export function compileGlob(pattern: string, options: GlobOptions): Glob | GlobFault {
  const texts = expanded(pattern);
  if ("fault" in texts) return texts;
  const alternatives: Segment[][] = [];
  for (const text of texts) {
    const segments = segmentsOf(text);
    if ("fault" in segments) return segments;
    alternatives.push(segments);
  }
  const depths = alternatives.map((one) => one.includes(null) ? null : one.length);
  const machines = alternatives.map((one) => new Machine(one, options.dot));
  return {
    matches: (path) => machines.some((one) => one.matches(path)),
    couldMatchBelow: (directory) => machines.some((one) => one.reaches(directory)),
    depth: depths.includes(null) ? null : Math.max(...depths.map((one) => one ?? 0)),
  };
}

/** The alternatives in braces written out; they may stand within each other. */
function expanded(pattern: string): string[] | GlobFault {
  if (pattern.length > LIMITS.globCharacters) {
    return { fault: `it is longer than ${LIMITS.globCharacters} characters` };
  }
  const done: string[] = [];
  const open = [pattern];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const brace = firstBrace(text);
    if (brace === null) done.push(text);
    else if ("fault" in brace) return brace;
    else {
      const { start, end, parts } = brace;
      for (const part of parts) open.push(text.slice(0, start) + part + text.slice(end));
    }
    if (done.length + open.length > LIMITS.globAlternatives) {
      return { fault: `its braces make more than ${LIMITS.globAlternatives} patterns` };
    }
  }
  return done;
}

interface Brace {
  readonly start: number;
  readonly end: number;
  readonly parts: readonly string[];
}

/** The first pair of braces on the outside; `null` if there is none. */
function firstBrace(text: string): Brace | GlobFault | null {
  let depth = 0;
  let start = -1;
  let partStart = 0;
  const parts: string[] = [];
  let inClass = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at += 1;
    else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else if (char === "{") {
      if (depth === 0) [start, partStart] = [at, at + 1];
      depth += 1;
    } else if (char === "}" && depth > 0) {
      depth -= 1;
      if (depth > 0) continue;
      parts.push(text.slice(partStart, at));
      return { start, end: at + 1, parts };
    } else if (char === "," && depth === 1) {
      parts.push(text.slice(partStart, at));
      partStart = at + 1;
    }
  }
  return depth === 0 ? null : { fault: 'a "{" is not closed; write \\{ for that character' };
}

function segmentsOf(text: string): Segment[] | GlobFault {
  const isForName = !text.includes("/");
  const texts = text.replace(/^\//, "").split("/");
  const segments: Segment[] = isForName && text !== "**" ? [null] : [];
  for (const one of texts) {
    if (one === "") return { fault: "it has an empty segment" };
    if (one === "." || one === "..") return { fault: `it has a segment "${one}"` };
    if (one === "**") {
      if (segments.at(-1) !== null) segments.push(null);
      continue;
    }
    const tokens = tokensOf(one);
    if ("fault" in tokens) return tokens;
    segments.push(tokens);
  }
  return segments;
}

function tokensOf(segment: string): Token[] | GlobFault {
  const tokens: Token[] = [];
  const chars = [...segment];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === "\\") {
      const next = chars[at += 1];
      if (next === undefined) return { fault: 'it ends with a lone "\\"' };
      tokens.push({ kind: "char", char: next });
    } else if (char === "?") tokens.push({ kind: "one" });
    else if (char === "*") {
      if (tokens.at(-1)?.kind !== "many") tokens.push({ kind: "many" });
    } else if (char === "[") {
      const end = classEnd(chars, at);
      if (end < 0) return { fault: 'a "[" is not closed; write \\[ for that character' };
      tokens.push(classOf(chars.slice(at + 1, end)));
      at = end;
    } else tokens.push({ kind: "char", char });
  }
  return tokens;
}

/** A `]` that comes first belongs to the class. */
function classEnd(chars: readonly string[], start: number): number {
  const negated = chars[start + 1] === "!" || chars[start + 1] === "^";
  return chars.indexOf("]", start + (negated ? 3 : 2));
}

function classOf(inner: readonly string[]): Token {
  const negated = inner[0] === "!" || inner[0] === "^";
  const chars = negated ? inner.slice(1) : inner;
  const ranges: [string, string][] = [];
  for (let at = 0; at < chars.length; at++) {
    const from = chars[at]!;
    const to = chars[at + 1] === "-" ? chars[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return { kind: "class", negated, ranges };
}

/** The states of one pattern: how many of its segments are used up. */
class Machine {
  readonly #segments: readonly Segment[];
  readonly #dot: boolean;

  constructor(segments: readonly Segment[], dot: boolean) {
    this.#segments = segments;
    this.#dot = dot;
  }

  matches(path: readonly string[]): boolean {
    return this.#after(path).has(this.#segments.length);
  }

  /** Some state after the directory has a segment left. */
  reaches(directory: readonly string[]): boolean {
    for (const state of this.#after(directory)) if (state < this.#segments.length) return true;
    return false;
  }

  #after(path: readonly string[]): Set<number> {
    let states = this.#withSkips(new Set([0]));
    for (const name of path) {
      const next = new Set<number>();
      for (const state of states) {
        const segment = this.#segments[state];
        if (segment === undefined) continue;
        if (segment === null) {
          if (this.#dot || !name.startsWith(".")) next.add(state);
        } else if (matchesName(segment, name, this.#dot)) next.add(state + 1);
      }
      if (next.size === 0) return next;
      states = this.#withSkips(next);
    }
    return states;
  }

  /** `**` may stand for nothing. */
  #withSkips(states: Set<number>): Set<number> {
    for (const state of states) {
      if (this.#segments[state] === null) states.add(state + 1);
    }
    return states;
  }
}

/** Greedy with one place to come back to: at most name times tokens. */
function matchesName(tokens: readonly Token[], name: string, dot: boolean): boolean {
  const chars = [...name];
  if (!dot && chars[0] === "." && tokens[0]?.kind !== "char") return false;
  let [token, at, starToken, starAt] = [0, 0, -1, 0];
  while (at < chars.length) {
    const one = tokens[token];
    if (one?.kind === "many") {
      [starToken, starAt] = [token, at];
      token += 1;
    } else if (one !== undefined && matchesChar(one, chars[at]!)) {
      token += 1;
      at += 1;
    } else if (starToken >= 0) {
      starAt += 1;
      [token, at] = [starToken + 1, starAt];
    } else return false;
  }
  while (tokens[token]?.kind === "many") token += 1;
  return token === tokens.length;
}

function matchesChar(token: Token, char: string): boolean {
  if (token.kind === "char") return token.char === char;
  if (token.kind === "class") {
    return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated;
  }
  return token.kind === "one";
}

/** The text as a pattern that matches it alone. */
export function escapedGlob(text: string): string {
  return text.replace(/[\\*?[\]{},!]/g, (char) => `\\${char}`);
}
