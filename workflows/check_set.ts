/** Checks of what is said about sets of files: globs, bounds, and what contradicts each other. */

import { parseBytes, parseDurationMs } from "../runtime/base/units.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { isTemplate } from "./expression.ts";
import { compileGlob } from "./glob.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { holdsGlob, isDirectory, splitGlob } from "./set_place.ts";
import type { SourceDocument, ValuePath } from "./source.ts";

/** Everything that is wrong with the set of one transfer, or of the defaults. */
export function checkSet(
  document: SourceDocument,
  path: ValuePath,
  body: Partial<DeclaredTransfer>,
): Diagnostic[] {
  const select = body.source?.select;
  const misplaced = checkSetPlaces(document, path, body);
  if (misplaced.length > 0) return misplaced;
  const isDeclared = select !== undefined || body.source?.after !== undefined ||
    body.destination?.compare !== undefined || body.destination?.mirror !== undefined;
  if (!isDeclared) return [];
  const at = [...path, "source", "select"];
  return [
    ...(select === undefined ? [] : [
      ...checkGlobs(document, [...at, "include"], select.include),
      ...checkGlobs(document, [...at, "exclude"], select.exclude),
      ...checkBounds(document, at, select),
    ]),
    ...checkContradictions(document, path, body),
  ];
}

/** As far as the places stand in the file; `plan_set` looks again at what variables make of them. */
function checkSetPlaces(
  document: SourceDocument,
  path: ValuePath,
  body: Partial<DeclaredTransfer>,
): Diagnostic[] {
  const [from, to] = [placeOf(body.source), placeOf(body.destination)];
  if (from === null || to === null || isTemplate(from.text) || isTemplate(to.text)) return [];
  const isGlob = holdsGlob(from.form, [from.text]);
  if (isDirectory([to.text]) && (isGlob || isDirectory([from.text]))) {
    const { glob } = splitGlob(from.form, from.text);
    const compiled = glob === null ? null : compileGlob(glob, { dot: false });
    if (compiled === null || !("fault" in compiled)) return [];
    const message = `the glob ${glob} cannot be used: ${compiled.fault}`;
    return [document.finding("invalidValue", message, [...path, "source", from.form])];
  }
  const stray = strayOf(body, isGlob, to.form);
  if (stray === null) return [];
  const { key, message, suggestion } = stray;
  return [document.finding("invalidValue", message, [...path, ...key], { suggestion })];
}

function placeOf(end: { uri?: string | undefined; path?: string | undefined } | undefined) {
  if (end?.uri !== undefined) return { form: "uri", text: end.uri } as const;
  return end?.path === undefined ? null : { form: "path", text: end.path } as const;
}

/** What is said about a set where there is none: it would be silently dropped. */
export function strayOf(
  body: Partial<DeclaredTransfer>,
  isGlob: boolean,
  form: "uri" | "path",
): { readonly key: ValuePath; readonly message: string; readonly suggestion: string } | null {
  if (isGlob) {
    return {
      key: ["destination", form],
      message: "the source is a glob, so the destination has to be a directory",
      suggestion: 'end it with "/"; a * that belongs to the name is written %2A in a uri',
    };
  }
  for (const [end, key] of SET_KEYS) {
    if ((body[end] as Record<string, unknown> | undefined)?.[key] === undefined) continue;
    const message = `${end}.${key} is for sets of files: a source that is a directory or a glob, ` +
      "and a destination that is a directory";
    return { key: [end, key], message, suggestion: 'end both places with "/"' };
  }
  return null;
}

const SET_KEYS = [
  ["source", "select"],
  ["source", "after"],
  ["destination", "compare"],
  ["destination", "mirror"],
] as const;

function checkGlobs(
  document: SourceDocument,
  path: ValuePath,
  globs: readonly string[] | undefined,
): Diagnostic[] {
  return (globs ?? []).flatMap((glob, index) => {
    const compiled = compileGlob(glob.replace(/(.)\/$/, "$1"), { dot: true });
    if (!("fault" in compiled)) return [];
    const message = `the glob ${glob} cannot be used: ${compiled.fault}`;
    return [document.finding("invalidValue", message, [...path, index])];
  });
}

type Select = NonNullable<DeclaredTransfer["source"]["select"]>;

function checkBounds(document: SourceDocument, path: ValuePath, select: Select): Diagnostic[] {
  const found: Diagnostic[] = [];
  const { minAge, maxAge, minSize, maxSize } = select;
  const crossed = (
    low: string | number | undefined,
    high: string | number | undefined,
    read: (text: string | number) => number | null,
  ) => low !== undefined && high !== undefined && (read(low) ?? 0) > (read(high) ?? 0);
  if (crossed(minAge, maxAge, parseDurationMs)) {
    const message = `select: minAge ${minAge} is more than maxAge ${maxAge}`;
    found.push(document.finding("invalidValue", message, [...path, "minAge"]));
  }
  if (crossed(minSize, maxSize, parseBytes)) {
    const message = `select: minSize ${minSize} is more than maxSize ${maxSize}`;
    found.push(document.finding("invalidValue", message, [...path, "minSize"]));
  }
  return found;
}

function checkContradictions(
  document: SourceDocument,
  path: ValuePath,
  { source, destination, validation }: Partial<DeclaredTransfer>,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (destination?.conflict === "rename") {
    const message =
      "conflict: rename is not for sets: no later walk knows the name that was made up";
    const suggestion = "use overwrite, skip or fail";
    const at = [...path, "destination", "conflict"];
    found.push(document.finding("invalidValue", message, at, { suggestion }));
  }
  if (validation?.checksum?.value !== undefined) {
    const message = "a checksum's value is that of one file, and this is a set";
    found.push(document.finding("invalidValue", message, [...path, "validation", "checksum"]));
  }
  if (destination?.compare === "mtime" && destination.preserveMtime === false) {
    const message = "compare: mtime needs preserveMtime, which is false";
    const suggestion = "use compare: size, hash or none, or leave preserveMtime out";
    const at = [...path, "destination", "compare"];
    found.push(document.finding("invalidValue", message, at, { suggestion }));
  }
  if (destination?.mirror !== undefined && source?.after !== undefined) {
    const message = "source.after empties the source, and mirror would empty the destination";
    const at = [...path, "destination", "mirror"];
    found.push(document.finding("invalidValue", message, at, { atKey: true }));
  }
  if (source?.select?.onlyNew !== undefined && destination?.compare !== undefined) {
    const message = "onlyNew and compare both say what counts as copied; keep one of them";
    const at = [...path, "destination", "compare"];
    found.push(document.finding("invalidValue", message, at, { atKey: true }));
  }
  return found;
}
