/** The settings that hold: the layers put together, checked, and where each came from. */

import type { z } from "zod";
import type { Disk } from "../../runtime/env/env.ts";
import { issueFindings } from "../../workflows/schema_issues.ts";
import { CliError } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import {
  environmentLayer,
  type FileLayer,
  flagLayer,
  type Given,
  invalidFile,
  noFileLayer,
  type Origin,
  originText,
  readFileLayer,
} from "./layers.ts";
import { type Leaf, leavesOf } from "./leaves.ts";
import { ROLE_SETTINGS, type RoleName } from "./roles.ts";

/** What may be said about settings on the command line. */
export interface SettingOptions {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly node?: string;
  readonly data?: string;
  readonly listen?: string;
  readonly http?: string;
  readonly log?: string;
}

/** What reading settings needs. */
export interface SettingPlaces {
  readonly disk: Disk;
  readonly cwd: string;
  env(name: string): string | undefined;
}

/** One setting as it holds. */
export interface EffectiveSetting {
  readonly name: string;
  readonly value: unknown;
  readonly origin: Origin;
}

/** A role's settings. */
export interface Effective<R extends RoleName> {
  readonly settings: z.infer<typeof ROLE_SETTINGS[R]>;
  /** Every setting that has a value, with its origin; as written, where it was written. */
  readonly listed: readonly EffectiveSetting[];
}

/** Reads a role's settings; CliError says everything that is wrong with them. */
export async function effectiveSettings<R extends RoleName>(
  role: R,
  places: SettingPlaces,
  options: SettingOptions,
): Promise<Effective<R>> {
  const leaves = leavesOf(role);
  const named = options.config ?? places.env("QUORUS_CONFIG");
  const file = named === undefined
    ? noFileLayer(places.cwd)
    : await readFileLayer(places.disk, places.cwd, named);
  const { config: _, set = [], ...flags } = options;
  const overrides = [
    ...environmentLayer(leaves, (name) => places.env(name)),
    ...flagLayer(leaves, flags as Readonly<Record<string, string>>, set),
  ];
  const raw = merged(leaves, file, overrides, places.cwd);
  const schema: z.ZodType = ROLE_SETTINGS[role];
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw refusal(schema, file, overrides, leaves, parsed.error.issues);
  const settings = parsed.data as z.infer<typeof ROLE_SETTINGS[R]>;
  return { settings, listed: listing(leaves, raw, settings, file, overrides) };
}

/** All layers as one value; paths are absolute from here on. */
function merged(
  leaves: readonly Leaf[],
  file: FileLayer,
  overrides: readonly Given[],
  cwd: string,
): Record<string, unknown> {
  const raw = structuredClone(file.value) as Record<string, unknown>;
  for (const leaf of leaves) {
    const value = valueAt(raw, leaf.path);
    if (value !== undefined) put(raw, leaf.path, absolute(leaf, value, file.directory));
  }
  for (const { leaf, value } of overrides) put(raw, leaf.path, absolute(leaf, value, cwd));
  return raw;
}

function absolute(leaf: Leaf, value: unknown, base: string): unknown {
  if (typeof value !== "string") return value;
  if (leaf.kind === "path" && value !== "") return absolutePath(base, value);
  if (leaf.kind !== "secret") return value;
  return value.replace(/^\$\{file:([^}]+)\}$/, (_, name) => `\${file:${absolutePath(base, name)}}`);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function put(value: Record<string, unknown>, path: readonly string[], leaf: unknown): void {
  let at = value;
  for (const key of path.slice(0, -1)) {
    const inner = Object.hasOwn(at, key) ? at[key] : undefined;
    if (inner === undefined) at[key] = {};
    else if (typeof inner !== "object" || inner === null) return; // the schema says what is wrong
    at = at[key] as Record<string, unknown>;
  }
  at[path.at(-1)!] = leaf;
}

type Issue = z.core.$ZodIssue;

/** Findings of the file with their place; of others, and of what is missing, with all ways to say it. */
function refusal(
  schema: z.ZodType,
  file: FileLayer,
  overrides: readonly Given[],
  leaves: readonly Leaf[],
  issues: readonly Issue[],
): CliError {
  const inFile: Issue[] = [];
  const lines: string[] = [];
  for (const issue of issues) {
    const source = overrides.findLast(({ leaf }) => begins(issue.path, leaf.path));
    const message = issueFindings(file.document, schema, [issue])[0]?.message ?? issue.message;
    if (source !== undefined) lines.push(`${originText(source.origin)}: ${message}`);
    else if (isMissing(file, issue)) lines.push(missingText(leaves, issue, file));
    else inFile.push(issue);
  }
  const told = lines.length === 0
    ? ""
    : `this configuration cannot be used:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  if (inFile.length === 0) return new CliError("invalidInput", told);
  const findings = inFile.flatMap((issue) => {
    const found = issueFindings(file.document, schema, [issue]);
    const isSecret = leaves.some(({ kind, path }) => kind === "secret" && begins(issue.path, path));
    return isSecret ? found.map((one) => ({ ...one, excerpt: "" })) : found;
  });
  const { message } = invalidFile(findings);
  return new CliError("invalidInput", told === "" ? message : `${message}\n\n${told}`);
}

function begins(path: readonly PropertyKey[], start: readonly string[]): boolean {
  return start.every((key, index) => path[index] === key);
}

function isMissing(file: FileLayer, issue: Issue): boolean {
  if (issue.code !== "invalid_type") return false;
  return valueAt(file.value, issue.path.map(String)) === undefined;
}

function missingText(leaves: readonly Leaf[], issue: Issue, { file }: FileLayer): string {
  const name = issue.path.join(".");
  const leaf = leaves.find((one) => one.name === name);
  if (leaf === undefined) return `${name} is missing in ${file}`;
  return `${name} is missing (${leaf.description}): ` +
    `set it in the file, as ${leaf.variable}, or with --set ${name}=VALUE`;
}

function listing(
  leaves: readonly Leaf[],
  raw: unknown,
  settings: unknown,
  file: FileLayer,
  overrides: readonly Given[],
): EffectiveSetting[] {
  return leaves.flatMap(({ name, path }): EffectiveSetting[] => {
    const written = valueAt(raw, path);
    const value = written ?? valueAt(settings, path);
    if (value === undefined) return [];
    const override = overrides.findLast(({ leaf }) => leaf.name === name);
    if (override !== undefined) return [{ name, value, origin: override.origin }];
    if (written === undefined) return [{ name, value, origin: { kind: "default" } }];
    const line = file.document.line(path);
    return [{ name, value, origin: { kind: "file", file: file.file, line } }];
  });
}
