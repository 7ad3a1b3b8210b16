/** Checks of a definition's transfers: names, dependencies, places, sizes, credentials. */

import { parseBytes, parseDurationMs } from "../runtime/base/units.ts";
import { credentialProblems } from "./credentials.ts";
import { defaultsOf, type Definition, type StepDeclaration, stepsOf } from "./definition.ts";
import { checkSet } from "./check_set.ts";
import { withDefaults } from "./defaults.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { isTemplate } from "./expression.ts";
import { cyclesOf } from "./graph.ts";
import { LIMITS } from "./limits.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { RESERVED_NAMES } from "./scope.ts";
import type { SourceDocument, ValuePath } from "./source.ts";
import { didYouMean } from "./suggest.ts";

/** Everything that is wrong with the transfers themselves. */
export function checkSteps(definition: Definition): Diagnostic[] {
  const steps = stepsOf(definition);
  if (steps.length > LIMITS.transfers) {
    const message = `the group has ${steps.length} transfers, more than ${LIMITS.transfers}`;
    return [
      definition.document.finding("tooMany", message, ["spec", "transfers"], { atKey: true }),
    ];
  }
  const found = definition.kind === "Transfer" ? [] : checkNames(definition, steps);
  const { model, document } = definition;
  const timeout = model.kind === "TransferGroup" ? model.spec.execution?.timeout : undefined;
  found.push(...checkDuration(document, ["spec", "execution", "timeout"], timeout, 1));
  const defaults = defaultsOf(definition);
  found.push(...checkBody(definition.document, ["spec", "defaults"], defaults as DeclaredTransfer));
  for (const step of steps) {
    found.push(...checkPlaces(definition.document, step));
    found.push(...checkBody(definition.document, step.path, step.body));
    const whole = withDefaults(defaults, step.body);
    found.push(...checkHashing(definition.document, step.path, whole));
    found.push(...checkSet(definition.document, step.path, whole));
  }
  return found;
}

function checkNames(definition: Definition, steps: readonly StepDeclaration[]): Diagnostic[] {
  const { document } = definition;
  const found: Diagnostic[] = [];
  const names = new Set<string>();
  for (const { name, path } of steps) {
    if (names.has(name)) {
      const message = `the transfer "${name}" is declared twice`;
      found.push(document.finding("duplicateName", message, [...path, "name"]));
    } else if (RESERVED_NAMES.includes(name)) {
      const message = `a transfer cannot be called "${name}": expressions use that word`;
      found.push(document.finding("duplicateName", message, [...path, "name"]));
    }
    names.add(name);
  }
  const broken = checkDependencies(document, steps, names);
  return [...found, ...broken, ...(found.length > 0 ? [] : checkCycles(document, steps))];
}

function checkDependencies(
  document: SourceDocument,
  steps: readonly StepDeclaration[],
  names: ReadonlySet<string>,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  let edges = 0;
  for (const { name, path, body } of steps) {
    for (const [index, dependency] of (body.dependsOn ?? []).entries()) {
      edges += 1;
      if (names.has(dependency)) continue;
      const message = `"${name}" depends on "${dependency}", which is not a transfer of this group`;
      const suggestion = didYouMean(dependency, names);
      found.push(
        document.finding("unknownName", message, [...path, "dependsOn", index], { suggestion }),
      );
      if (found.length > LIMITS.diagnostics) return found;
    }
  }
  if (edges <= LIMITS.dependencies) return found;
  const message = `the group has ${edges} dependencies, more than ${LIMITS.dependencies}`;
  return [...found, document.finding("tooMany", message, ["spec", "transfers"], { atKey: true })];
}

function checkCycles(document: SourceDocument, steps: readonly StepDeclaration[]): Diagnostic[] {
  const nodes = steps.map(({ name, body }) => ({ name, dependsOn: body.dependsOn ?? [] }));
  return cyclesOf(nodes).map((cycle) => {
    const last = cycle.at(-2)!;
    const step = steps.find(({ name }) => name === last)!;
    const index = step.body.dependsOn!.indexOf(cycle.at(-1)!);
    const shown = cycle.length > 12 ? [...cycle.slice(0, 6), "...", ...cycle.slice(-5)] : cycle;
    const message = `the dependencies go round in a circle: ${shown.join(" -> ")}`;
    return document.finding("cycle", message, [...step.path, "dependsOn", index]);
  });
}

function checkPlaces(document: SourceDocument, { path, body }: StepDeclaration): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const side of ["source", "destination"] as const) {
    const { uri, path: file } = body[side];
    const at = [...path, side];
    if (uri === undefined && file === undefined) {
      const message = `the ${side} has neither uri nor path`;
      found.push(document.finding("missingKey", message, at, { atKey: true }));
    } else if (uri !== undefined && file !== undefined) {
      const message = `the ${side} has both uri and path; keep one of them`;
      found.push(document.finding("invalidValue", message, [...at, "path"], { atKey: true }));
    } else if (uri !== undefined && !isTemplate(uri) && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)) {
      const message = `"${uri}" is not a URI`;
      const suggestion = `write path: ${uri} for a file of this machine`;
      found.push(document.finding("invalidValue", message, [...at, "uri"], { suggestion }));
    }
  }
  return found;
}

function checkBody(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  return [
    ...checkUnits(document, path, body),
    ...checkDurations(document, path, body),
    ...checkRelations(document, path, body),
    ...checkChecksum(document, [...path, "validation", "checksum", "value"], body),
    ...checkCredentials(document, [...path, "source"], body.source),
    ...checkCredentials(document, [...path, "destination"], body.destination),
  ];
}

/** The schema knows the shape of sizes and durations; whether the number can be kept is told here. */
function checkUnits(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  const expected = body.validation?.expectedSize;
  const bounds = typeof expected === "object" ? expected : { min: expected };
  const sizes: [ValuePath, string | number | undefined][] = [
    [["validation", "expectedSize", "min"], bounds.min],
    [["validation", "expectedSize", "max"], bounds.max],
    [["transfer", "chunkSize"], body.transfer?.chunkSize],
    [["transfer", "window"], body.transfer?.window],
    [["source", "select", "minSize"], selectOf(body)?.minSize],
    [["source", "select", "maxSize"], selectOf(body)?.maxSize],
  ];
  return sizes.filter(([, text]) => text !== undefined && parseBytes(text) === null)
    .map(([at, text]) =>
      document.finding("invalidValue", `the size ${text} is too large`, [...path, ...at])
    );
}

/** The defaults may lack a source. */
function selectOf(body: DeclaredTransfer): DeclaredTransfer["source"]["select"] {
  return (body.source as DeclaredTransfer["source"] | undefined)?.select;
}

function checkDurations(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  const source = body.source as DeclaredTransfer["source"] | undefined;
  const destination = body.destination as DeclaredTransfer["destination"] | undefined;
  const select = selectOf(body);
  const { stable, onlyNew } = select ?? {};
  const every = stable !== undefined && "every" in stable ? stable.every : undefined;
  const keep = typeof onlyNew === "object" ? onlyNew.keep : undefined;
  const at = [...path, "source", "select"];
  return [
    ...checkDuration(document, [...at, "minAge"], select?.minAge, 0),
    ...checkDuration(document, [...at, "maxAge"], select?.maxAge, 1),
    ...checkDuration(document, [...at, "stable", "every"], every, 1),
    ...checkDuration(document, [...at, "onlyNew", "keep"], keep, 1),
    ...checkDuration(document, [...path, "timeout"], body.timeout, 1),
    ...checkDuration(document, [...path, "destination", "timeout"], destination?.timeout, 1),
    ...checkDuration(document, [...path, "source", "timeout"], source?.timeout, 1),
    ...checkDuration(document, [...path, "retry", "initialDelay"], body.retry?.initialDelay, 0),
    ...checkDuration(document, [...path, "retry", "maxDelay"], body.retry?.maxDelay, 0),
  ];
}

function checkDuration(
  document: SourceDocument,
  path: ValuePath,
  declared: string | number | undefined,
  leastMs: number,
): Diagnostic[] {
  if (declared === undefined) return [];
  const ms = parseDurationMs(declared);
  if (ms !== null && ms >= leastMs && ms <= LIMITS.durationMs) return [];
  const message = `${path.at(-1)} ${declared} is outside of ${leastMs}ms ... 365d`;
  return [document.finding("invalidValue", message, path)];
}

function checkRelations(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const expected = body.validation?.expectedSize;
  if (typeof expected === "object" && expected.min !== undefined && expected.max !== undefined) {
    if ((parseBytes(expected.min) ?? 0) > (parseBytes(expected.max) ?? 0)) {
      const message = `expectedSize: min ${expected.min} is more than max ${expected.max}`;
      found.push(
        document.finding("invalidValue", message, [...path, "validation", "expectedSize", "min"]),
      );
    }
  }
  const { initialDelay, maxDelay } = body.retry ?? {};
  if (initialDelay !== undefined && maxDelay !== undefined) {
    if ((parseDurationMs(initialDelay) ?? 0) > (parseDurationMs(maxDelay) ?? 0)) {
      const message = `retry: initialDelay ${initialDelay} is longer than maxDelay ${maxDelay}`;
      found.push(document.finding("invalidValue", message, [...path, "retry", "initialDelay"]));
    }
  }
  return [...found, ...checkPipeline(document, [...path, "transfer"], body)];
}

function checkPipeline(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  const { chunkSize, window } = body.transfer ?? {};
  const found: Diagnostic[] = [];
  for (const [key, text] of [["chunkSize", chunkSize], ["window", window]] as const) {
    const bytes = text === undefined ? null : parseBytes(text);
    if (bytes === null) continue;
    if (bytes >= LIMITS.leastPipelineBytes && bytes <= LIMITS.mostPipelineBytes) continue;
    const message = `${key} ${text} is outside of 4KiB ... 1GiB`;
    found.push(document.finding("invalidValue", message, [...path, key]));
  }
  return found;
}

function checkChecksum(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  const value = body.validation?.checksum?.value;
  if (value === undefined || isTemplate(value) || /^[0-9a-fA-F]{64}$/.test(value)) return [];
  if (!isSha256(body.validation?.checksum?.algorithm)) return [];
  const message =
    `the checksum is not a SHA-256: expected 64 hexadecimal digits, got ${value.length} characters`;
  return [document.finding("invalidValue", message, path)];
}

/** Whether an algorithm's name means SHA-256, which is also what no name means. */
export function isSha256(algorithm: string | undefined): boolean {
  return algorithm === undefined || /^sha-?256$/i.test(algorithm);
}

/** Without a hash nothing can be compared with one: verification must not vanish by contradiction. */
function checkHashing(
  document: SourceDocument,
  path: ValuePath,
  body: DeclaredTransfer,
): Diagnostic[] {
  if (body.transfer?.hash !== false) return [];
  const { checksum, level } = body.validation ?? {};
  const asked = checksum !== undefined
    ? "a checksum"
    : level === "source" || level === "reread"
    ? `level ${level}`
    : null;
  if (asked === null) return [];
  const message = `transfer.hash is false, but validation asks for ${asked}; remove one of them`;
  return [document.finding("invalidValue", message, [...path, "transfer", "hash"])];
}

function checkCredentials(
  document: SourceDocument,
  path: ValuePath,
  end: DeclaredTransfer["source" | "destination"] | undefined,
): Diagnostic[] {
  if (end === undefined) return [];
  if (end.auth !== undefined && end.authentication !== undefined) {
    const message = "auth and authentication mean the same; keep one of them";
    return [document.finding("invalidValue", message, [...path, "auth"], { atKey: true })];
  }
  const key = end.auth === undefined ? "authentication" : "auth";
  const declared = end[key];
  if (declared === undefined) return [];
  return credentialProblems(declared).map(({ field, message, suggestion }) => {
    const code = field === null ? "missingKey" : "unknownKey";
    const at = [...path, key, ...(field === null ? [] : [field])];
    return document.finding(code, message, at, { atKey: true, suggestion });
  });
}
