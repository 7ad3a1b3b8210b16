/** Workflow files as a command is given them: read, checked, and what is wrong with them. */

import type { Disk } from "../../runtime/env/env.ts";
import type { Definition } from "../../workflows/definition.ts";
import { type Diagnostic, formatDiagnostic, hasErrors } from "../../workflows/diagnostic.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import { type Unsupported, unsupported } from "../../workflows/unsupported.ts";
import { cliLimits } from "../limits.ts";
import {
  installedCredentials,
  installedDirectories,
  installedSchemes,
  type PlugIns,
} from "../protocols.ts";
import { absolutePath, directoryOf, readTextFile } from "./text_file.ts";

/** One file. */
export interface LoadedFile {
  /** As it was named. */
  readonly file: string;
  /** Its directory: where the relative paths in it start. */
  readonly directory: string;
  readonly definitions: readonly Definition[];
  readonly diagnostics: readonly Diagnostic[];
  /** By definition, in the same order. */
  readonly unsupported: readonly (readonly Unsupported[])[];
}

/**
 * Reads and checks files in the order given; `given` are the names that `--var` and `--vars` bind,
 * `plugIns` the protocols beside those of this program.
 */
export async function loadFiles(
  disk: Disk,
  cwd: string,
  files: readonly string[],
  given: readonly string[],
  plugIns: PlugIns = [],
): Promise<LoadedFile[]> {
  const loaded: LoadedFile[] = [];
  for (const file of files) {
    const path = absolutePath(cwd, file);
    const text = await readTextFile(disk, path, "the workflow file", cliLimits.workflowFileBytes);
    loaded.push(loadText(text, file, directoryOf(path), given, plugIns));
  }
  return loaded;
}

/** Checks the text of one file. */
export function loadText(
  text: string,
  file: string,
  directory: string,
  given: readonly string[],
  plugIns: PlugIns = [],
): LoadedFile {
  const { definitions, diagnostics } = parseDocuments(text, { file, given });
  const offered = {
    protocols: installedSchemes(plugIns),
    credentials: installedCredentials(plugIns),
    directories: installedDirectories(plugIns),
  };
  return {
    file,
    directory,
    definitions,
    diagnostics,
    unsupported: definitions.map((definition) => unsupported(definition, offered)),
  };
}

/** Whether any of them cannot be used as it stands. */
export function isInvalid(files: readonly LoadedFile[]): boolean {
  return files.some(({ diagnostics }) => hasErrors(diagnostics));
}

/** Findings for people: those of the texts, then what this version does not carry out. */
export function findingTexts(
  files: readonly LoadedFile[],
  how: "told" | "refused" = "told",
): string[] {
  return files.flatMap((loaded) => [
    ...loaded.diagnostics.map(formatDiagnostic),
    ...loaded.unsupported.flat().map((one) => unsupportedText(loaded.file, one, how)),
  ]);
}

function unsupportedText(file: string, one: Unsupported, how: "told" | "refused"): string {
  const place = `${file}:${one.line}`;
  if (one.severity === "warning") return `${place}: warning: ${one.path}: ${one.reason}`;
  return how === "refused"
    ? `${place}: error: ${one.path}: ${one.reason} [refused]`
    : `${place}: warning: ${one.path}: ${one.reason}; run refuses this`;
}
