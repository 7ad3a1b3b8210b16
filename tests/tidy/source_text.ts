/** Light reading of TypeScript text: imports by line, without a parser. */

/** How one file names another one. */
export interface Import {
  readonly specifier: string;
  /** `type` is erased before running; `url` is a file named for a Worker or a reader. */
  readonly kind: "value" | "type" | "dynamic" | "url";
  readonly line: number;
}

const statement =
  /^(?:import|export)\s+(type\s+)?(?:([\w*\s{},$]*?)\s*from\s*)?["']([^"'\n]+)["']/gm;
const dynamic = /\bimport\(\s*["']([^"'\n]+)["']/g;
const url = /\bnew URL\(\s*["']([^"'\n]+\.ts)["']\s*,\s*import\.meta\.url/g;

/** Every import of the formatted source `text`; those inside comments do not count. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const match of code.matchAll(statement)) {
    const names = match[2] ?? "";
    const kind = match[1] !== undefined || isAllTypes(names) ? "type" : "value";
    found.push({ specifier: match[3] ?? "", kind, line: lineAt(code, match.index) });
  }
  for (const match of code.matchAll(dynamic)) {
    found.push({ specifier: match[1] ?? "", kind: "dynamic", line: lineAt(code, match.index) });
  }
  for (const match of code.matchAll(url)) {
    found.push({ specifier: match[1] ?? "", kind: "url", line: lineAt(code, match.index) });
  }
  return found;
}

/** `{ type A, type B }` is erased like `type { A, B }`. */
function isAllTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (inner === undefined) return false;
  const each = inner.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return each.length > 0 && each.every((name) => name.startsWith("type "));
}

/** The text with whole-line comments and block comments blanked, its lines kept. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, " ");
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, blank).replace(/^[ \t]*\/\/.*$/gm, blank);
}

/** The line, counted from 1, of the character at `index`. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
