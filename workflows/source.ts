/** The text of a workflow file, its YAML documents, and the way from a value back to its place. */

import {
  Composer,
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  Parser,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Diagnostic, DiagnosticCode, Place } from "./diagnostic.ts";
import { LIMITS, type WorkflowLimits } from "./limits.ts";

/** Where a value stands in its document. */
export type ValuePath = readonly (string | number)[];

/** What else a finding may carry. */
export interface FindingOptions {
  readonly severity?: "error" | "warning";
  readonly suggestion?: string | undefined;
  /** Points at the first occurrence of this text within the value instead of at its start. */
  readonly needle?: string;
  /** Points at the key instead of at the value. */
  readonly atKey?: boolean;
  /** Points this many characters behind the start of the needle. */
  readonly shift?: number;
}

const EXCERPT_LIMIT = 4_096;

/** A file's text with its line starts; positions are computed only when a finding asks for one. */
export class SourceFile {
  readonly file: string;
  readonly text: string;
  readonly #lines = new LineCounter();

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** The line counter that the parser fills. */
  get lineCounter(): LineCounter {
    return this.#lines;
  }

  /** The place of the characters `[start, end)`. */
  place(start: number, end: number): Place {
    const { line, col } = this.#lines.linePos(Math.min(start, this.text.length));
    const column = Math.max(1, col);
    const lineStart = start - (column - 1);
    const newline = this.text.indexOf("\n", start);
    const lineEnd = newline === -1 ? this.text.length : newline;
    const excerpt = this.text.slice(lineStart, Math.min(lineEnd, start + EXCERPT_LIMIT));
    const endColumn = column + Math.max(1, Math.min(end, lineEnd) - start);
    return {
      file: this.file,
      line: Math.max(1, line),
      column,
      endColumn,
      excerpt: excerpt.replace(/\r$/, ""),
    };
  }

  /** A finding about the characters `[start, end)`. */
  finding(
    code: DiagnosticCode,
    message: string,
    start: number,
    end: number,
    options: FindingOptions = {},
  ): Diagnostic {
    const { severity = "error", suggestion } = options;
    const place = this.place(start, end);
    return {
      severity,
      code,
      message,
      ...place,
      ...(suggestion === undefined ? {} : { suggestion }),
    };
  }
}

/** One YAML document of a file. */
export class SourceDocument {
  readonly source: SourceFile;
  readonly #document: Document.Parsed;

  constructor(source: SourceFile, document: Document.Parsed) {
    this.source = source;
    this.#document = document;
  }

  /** A finding about the value at `path`, or about the nearest thing above it that exists. */
  finding(
    code: DiagnosticCode,
    message: string,
    path: ValuePath,
    options: FindingOptions = {},
  ): Diagnostic {
    const [start, end] = this.#range(path, options);
    return { ...this.source.finding(code, message, start, end, options), path };
  }

  /** The plain value at `path`, `undefined` where there is none. */
  valueAt(path: ValuePath): unknown {
    const found: unknown = path.length === 0
      ? this.#document.contents
      : this.#document.getIn(path, true);
    if (isScalar(found)) return found.value;
    return isNode(found) ? found.toJS(this.#document) : undefined;
  }

  /** The line of the value at `path`. */
  line(path: ValuePath): number {
    return this.source.place(...this.#range(path, { atKey: true })).line;
  }

  #range(path: ValuePath, options: FindingOptions): [number, number] {
    if (options.atKey) {
      const key = this.#keyRange(path);
      if (key !== null) return key;
    }
    for (let length = path.length; length >= 0; length--) {
      const whole = length === path.length;
      const node = length === 0
        ? this.#document.contents
        : this.#document.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      // What is missing is missed in the map that should hold it: its key is the line to look at.
      if (!whole && isCollection(node) && length > 0) {
        const key = this.#keyRange(path.slice(0, length));
        if (key !== null) return key;
      }
      return whole ? this.#within(node, options) : firstCharacters(node);
    }
    return [0, 1];
  }

  #keyRange(path: ValuePath): [number, number] | null {
    const name = path.at(-1);
    const parent = path.length === 1
      ? this.#document.contents
      : this.#document.getIn(path.slice(0, -1), true);
    if (!isMap(parent)) return null;
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === name);
    const key = pair?.key as Node | undefined;
    return key?.range ? [key.range[0], key.range[1]] : null;
  }

  #within(node: Node, { needle, shift = 0 }: FindingOptions): [number, number] {
    const [start, end] = node.range!;
    if (!isScalar(node)) return firstCharacters(node);
    if (needle !== undefined) {
      const at = this.source.text.slice(start, end).indexOf(needle);
      if (at !== -1) {
        return [
          start + at + shift,
          shift > 0 ? start + at + shift + 1 : start + at + needle.length,
        ];
      }
    }
    return [start, end];
  }
}

function firstCharacters(node: Node): [number, number] {
  return [node.range![0], node.range![0] + 1];
}

/** A parsed document: its plain value and the way back. */
export interface ParsedDocument {
  readonly document: SourceDocument;
  readonly value: unknown;
}

/** The documents of a file as plain values, and everything that is wrong with its YAML. */
export function parseYaml(
  source: SourceFile,
  limits: WorkflowLimits = LIMITS,
): { documents: ParsedDocument[]; diagnostics: Diagnostic[] } {
  const tooLarge = checkSize(source, limits);
  if (tooLarge !== null) return { documents: [], diagnostics: [tooLarge] };
  const documents: ParsedDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  const parser = new Parser(source.lineCounter.addNewLine);
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, stringKeys: true });
  let count = 0;
  for (const document of composer.compose(parser.parse(source.text), true, source.text.length)) {
    count += 1;
    if (count > limits.documents) {
      const message = `the file holds more than ${limits.documents} documents`;
      diagnostics.push(
        source.finding("tooMany", message, document.range[0], document.range[0] + 1),
      );
      break;
    }
    const parsed = readDocument(source, document, limits, diagnostics);
    if (parsed !== null) documents.push(parsed);
  }
  return { documents, diagnostics };
}

function checkSize(source: SourceFile, limits: WorkflowLimits): Diagnostic | null {
  const { text } = source;
  if (text.length > limits.fileBytes || utf8Bytes(text) > limits.fileBytes) {
    const message =
      `the file is larger than ${limits.fileBytes} bytes; split it into several files`;
    return { ...source.finding("fileTooLarge", message, 0, 1), excerpt: "" };
  }
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  if (lines <= limits.lines) return null;
  const message = `the file has ${lines} lines, more than ${limits.lines}; split it`;
  return { ...source.finding("fileTooLarge", message, 0, 1), excerpt: "" };
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

function readDocument(
  source: SourceFile,
  document: Document.Parsed,
  limits: WorkflowLimits,
  diagnostics: Diagnostic[],
): ParsedDocument | null {
  const found = [
    ...document.errors.map((error) => syntaxFinding(source, error, "error")),
    ...document.warnings.map((warning) => syntaxFinding(source, warning, "warning")),
  ];
  if (document.errors.length === 0) found.push(...duplicateKeys(source, document));
  diagnostics.push(...found);
  if (found.some((finding) => finding.severity === "error")) return null;
  if (document.contents === null) return null;
  try {
    // Aliases share one object here, so nothing grows yet; what a copy would hold is counted below.
    const value: unknown = document.toJS({ maxAliasCount: limits.transfers });
    const excess = countNodes(value, limits);
    if (excess === null) return { document: new SourceDocument(source, document), value };
    diagnostics.push(source.finding(excess.code, excess.message, document.range[0], 1));
  } catch (thrown) {
    const message = `the aliases of the document expand without bound: ${
      (thrown as Error).message
    }`;
    diagnostics.push(
      source.finding("aliasBomb", message, document.range[0], document.range[0] + 1),
    );
  }
  return null;
}

function syntaxFinding(
  source: SourceFile,
  error: YAMLError,
  severity: "error" | "warning",
): Diagnostic {
  const [start, end] = error.pos;
  if (/call stack/.test(error.message)) {
    return source.finding("tooDeep", "the YAML is nested too deeply to be read", start, start + 1);
  }
  const message = `this is not YAML: ${lowerFirst(error.message)}`;
  const { excerpt } = source.place(start, end);
  const suggestion = excerpt.includes("${") ? "put text that holds ${...} in quotes" : undefined;
  return source.finding("syntax", message, start, Math.max(start + 1, end), {
    severity,
    suggestion,
  });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** The package's own check compares every key with every other one: 20,000 keys took it 3.3 s. */
function duplicateKeys(source: SourceFile, document: Document.Parsed): Diagnostic[] {
  const found: Diagnostic[] = [];
  const open: unknown[] = [document.contents];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (isMap(node)) duplicatesOf(source, node, found);
    if (!isCollection(node)) continue;
    for (const item of node.items) {
      const child = isPair(item) ? item.value : item;
      if (isCollection(child)) open.push(child);
    }
  }
  return found;
}

function duplicatesOf(source: SourceFile, map: YAMLMap, found: Diagnostic[]): void {
  const seen = new Set<unknown>();
  for (const pair of map.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const { value, range } = pair.key;
    if (seen.has(value) && range) {
      const message = `the key "${String(value)}" stands twice in one map`;
      found.push(source.finding("duplicateKey", message, range[0], range[1]));
    }
    seen.add(value);
  }
}

/** Counts as a copy would grow: an alias that is used twice counts twice. */
function countNodes(
  value: unknown,
  limits: WorkflowLimits,
): { code: "aliasBomb" | "tooDeep"; message: string } | null {
  let nodes = 0;
  let tooDeep = false;
  const walk = (at: unknown, depth: number): boolean => {
    nodes += 1;
    if (nodes > limits.nodes) return false;
    if (typeof at !== "object" || at === null) return true;
    if (depth >= limits.nesting) {
      tooDeep = true;
      return false;
    }
    for (const child of Object.values(at)) if (!walk(child, depth + 1)) return false;
    return true;
  };
  if (walk(value, 0)) return null;
  return tooDeep
    ? { code: "tooDeep", message: `the document is nested more than ${limits.nesting} levels deep` }
    : { code: "aliasBomb", message: `the document has more than ${limits.nodes} values` };
}
