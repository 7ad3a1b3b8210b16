/** Where settings come from: a YAML file, under the environment, under flags. */

import type { Disk } from "../../runtime/env/env.ts";
import { type Diagnostic, formatDiagnostic } from "../../workflows/diagnostic.ts";
import { parseYaml, type SourceDocument, SourceFile } from "../../workflows/source.ts";
import { didYouMean } from "../../workflows/suggest.ts";
import { CliError } from "../exit.ts";
import { absolutePath, directoryOf, readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { type Leaf, valueOfText } from "./leaves.ts";

/** Where a setting's value comes from, as people are told. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string; readonly line: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "flag"; readonly flag: string };

/** A value that one layer gives for one setting. */
export interface Given {
  readonly leaf: Leaf;
  readonly value: unknown;
  readonly origin: Origin;
}

/** The file's layer. */
export interface FileLayer {
  readonly value: Readonly<Record<string, unknown>>;
  readonly document: SourceDocument;
  /** As it was named. */
  readonly file: string;
  /** Where relative paths in it start. */
  readonly directory: string;
}

/** `file:line`, a variable's or a flag's name, or `default`. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case "default":
      return "default";
    case "file":
      return `${origin.file}:${origin.line}`;
    case "environment":
      return origin.variable;
    case "flag":
      return origin.flag;
  }
}

/** Reads a configuration file; CliError `unreadable`, `invalidInput` with every finding. */
export async function readFileLayer(disk: Disk, cwd: string, file: string): Promise<FileLayer> {
  const path = absolutePath(cwd, file);
  const what = "the configuration file";
  const text = await readTextFile(disk, path, what, cliLimits.configFileBytes);
  const source = new SourceFile(file, text);
  const { documents, diagnostics } = parseYaml(source);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw invalidFile(errors);
  if (documents.length > 1) {
    const message = "a configuration is one document; remove what begins with the second ---";
    throw invalidFile([source.finding("tooMany", message, 0, 1)]);
  }
  const { value, document } = documents[0] ?? emptyDocument(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidFile([document.finding("syntax", "a configuration is a map of settings", [])]);
  }
  const directory = directoryOf(path);
  return { value: value as Record<string, unknown>, document, file, directory };
}

/** A configuration without a file: everything comes from elsewhere. */
export function noFileLayer(cwd: string): FileLayer {
  const { value, document } = emptyDocument(new SourceFile("(no file)", ""));
  return { value, document, file: "(no file)", directory: cwd };
}

function emptyDocument(source: SourceFile) {
  const { documents } = parseYaml(new SourceFile(source.file, "{}\n"));
  const document: SourceDocument = documents[0]!.document;
  return { value: {} as Record<string, unknown>, document };
}

/** An error that shows findings as a workflow file's are shown. */
export function invalidFile(findings: readonly Diagnostic[]): CliError {
  const text = findings.map(formatDiagnostic).join("\n\n");
  return new CliError("invalidInput", `this configuration cannot be used:\n${text}`);
}

/** What the environment gives; only names of settings are looked at. */
export function environmentLayer(
  leaves: readonly Leaf[],
  env: (name: string) => string | undefined,
): Given[] {
  return leaves.flatMap((leaf) => {
    const text = env(leaf.variable);
    if (text === undefined || text === "") return [];
    const value = valueOfText(leaf, text, leaf.variable);
    return [{ leaf, value, origin: { kind: "environment", variable: leaf.variable } }];
  });
}

/** What flags give: `--node ID` and the like by their setting's name, and `--set KEY=VALUE`. */
export function flagLayer(
  leaves: readonly Leaf[],
  flags: Readonly<Record<string, string>>,
  assignments: readonly string[],
): Given[] {
  const named = new Map(leaves.map((leaf) => [leaf.name, leaf]));
  const short = Object.entries(flags).flatMap(([name, text]) => {
    const leaf = named.get(name);
    return leaf === undefined ? [] : [given(leaf, text, `--${name}`)];
  });
  const long = assignments.map((assignment) => {
    const at = assignment.indexOf("=");
    const name = at < 0 ? assignment : assignment.slice(0, at);
    const leaf = named.get(name);
    if (leaf === undefined) throw unknownSetting(name, named);
    if (at < 0) throw new CliError("usage", `cannot use --set ${name}: write --set ${name}=VALUE`);
    return given(leaf, assignment.slice(at + 1), `--set ${name}`);
  });
  return [...short, ...long];
}

function given(leaf: Leaf, text: string, flag: string): Given {
  return { leaf, value: valueOfText(leaf, text, flag), origin: { kind: "flag", flag } };
}

function unknownSetting(name: string, named: ReadonlyMap<string, Leaf>): CliError {
  const hint = didYouMean(name, named.keys()) ?? "quorus config schema lists all";
  return new CliError("usage", `cannot use --set ${name}: there is no such setting; ${hint}`);
}
