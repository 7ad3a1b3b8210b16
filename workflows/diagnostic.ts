/** One finding about a workflow file, with the place it is about. */

/** Stable names of the findings. */
export type DiagnosticCode =
  | "fileTooLarge"
  | "syntax"
  | "tooDeep"
  | "tooMany"
  | "aliasBomb"
  | "duplicateKey"
  | "empty"
  | "unknownKey"
  | "missingKey"
  | "invalidValue"
  | "unsupportedKind"
  | "duplicateName"
  | "unknownName"
  | "cycle"
  | "badExpression"
  | "unknownVariable"
  | "notADependency"
  | "secretInText"
  | "badCondition"
  | "boundLater"
  | "unbound"
  | "pathEscapes"
  | "pathInvalid";

/** A finding; `line` and `column` count from 1, `endColumn` is exclusive and on the same line. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn?: number;
  /** The source line, cut where it is very long. */
  readonly excerpt: string;
  readonly suggestion?: string;
  /** Where the value stands in its document; findings about the text itself have none. */
  readonly path?: readonly (string | number)[];
}

/** A place in a file: what a diagnostic adds to a message. */
export type Place = Pick<Diagnostic, "file" | "line" | "column" | "endColumn" | "excerpt">;

const EXCERPT_CHARACTERS = 160;

/**
 * A diagnostic as people read it:
 * ```text
 * backup.yaml:12:9: error: unknown key "retries" [unknownKey]
 *    12 |         retries: 3
 *       |         ^^^^^^^
 *       = did you mean "retry"?
 * ```
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, code, suggestion } = diagnostic;
  const { text, caretAt } = visibleExcerpt(diagnostic.excerpt, column - 1);
  const width = Math.max(5, String(line).length + 1);
  const margin = `${" ".repeat(width)} |`;
  const marked = Math.max(1, (diagnostic.endColumn ?? column + 1) - column);
  const carets = "^".repeat(Math.max(1, Math.min(marked, text.length - caretAt)));
  const lines = [
    `${file}:${line}:${column}: ${severity}: ${message} [${code}]`,
    `${String(line).padStart(width)} | ${text}`,
    `${margin} ${text.slice(0, caretAt).replace(/[^\t]/g, " ")}${carets}`,
  ];
  if (suggestion !== undefined) lines.push(`${" ".repeat(width)} = ${suggestion}`);
  return lines.join("\n");
}

/** Control characters would move the caret or the terminal, so they are shown as a replacement. */
function visibleExcerpt(excerpt: string, offset: number): { text: string; caretAt: number } {
  const start = offset > EXCERPT_CHARACTERS ? offset - EXCERPT_CHARACTERS / 2 : 0;
  const cut = excerpt.slice(start, start + EXCERPT_CHARACTERS);
  // deno-lint-ignore no-control-regex -- finding them is the point
  const clean = cut.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
  return { text: clean, caretAt: Math.min(offset - start, clean.length) };
}

/** Errors before warnings where both stand at one place; else by file position. */
export function byPosition(left: Diagnostic, right: Diagnostic): number {
  return left.line - right.line || left.column - right.column ||
    left.severity.localeCompare(right.severity) || left.message.localeCompare(right.message);
}

/** Whether any of them is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}
