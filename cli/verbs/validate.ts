/** `quorus validate FILE...`: everything that is wrong with the files, at once. */

import { stepsOf } from "../../workflows/definition.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { findingTexts, isInvalid, type LoadedFile, loadFiles } from "../input/documents.ts";
import { givenValues, type VariableOptions } from "../input/variables.ts";
import { loadPlugIns } from "../plug_ins.ts";
import type { Process } from "../process.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";

/** The options of `validate`. */
export interface ValidateOptions extends VariableOptions {
  readonly output: OutputFormat;
  readonly protocol?: readonly string[];
}

/** Exit 2 if any file has an error; warnings are told and leave it at 0. */
export async function validateVerb(
  process: Process,
  files: readonly string[],
  options: ValidateOptions,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const values = await givenValues(options, session.env.disk, process.cwd);
    const plugIns = await loadPlugIns(options.protocol ?? [], process.cwd);
    const { disk } = session.env;
    const loaded = await loadFiles(disk, process.cwd, files, Object.keys(values), plugIns);
    if (options.output === "table") show(session, loaded);
    else {
      const { dataText } = await import("../show/data.ts");
      process.out(dataText(dataOf(loaded), options.output));
    }
    return isInvalid(loaded) ? EXIT.invalid : EXIT.ok;
  });
}

function show(session: Session, files: readonly LoadedFile[]): void {
  const { process, outPaint } = session;
  const findings = findingTexts(files);
  if (findings.length > 0) process.err(`${findings.join("\n\n")}\n\n`);
  for (const file of files) {
    const { errors, warnings } = countsOf(file);
    const verdict = errors > 0 ? outPaint.bad("invalid") : outPaint.good("valid");
    const transfers = file.definitions.reduce((sum, one) => sum + stepsOf(one).length, 0);
    const facts = errors > 0
      ? []
      : [plural(file.definitions.length, "workflow"), plural(transfers, "transfer")];
    if (errors + warnings > 0) facts.push(plural(errors, "error"), plural(warnings, "warning"));
    process.out(`${file.file} ${verdict}: ${facts.join(", ")}\n`);
  }
}

function countsOf(file: LoadedFile): { errors: number; warnings: number } {
  const errors = file.diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = file.diagnostics.length - errors + file.unsupported.flat().length;
  return { errors, warnings };
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function dataOf(files: readonly LoadedFile[]): unknown {
  return {
    valid: !isInvalid(files),
    files: files.map((loaded) => ({
      file: loaded.file,
      definitions: loaded.definitions.map((definition) => ({
        kind: definition.kind,
        name: definition.name,
        transfers: stepsOf(definition).map(({ name }) => name),
      })),
      diagnostics: loaded.diagnostics.map(({ excerpt: _, ...rest }) => rest),
      unsupported: loaded.unsupported.flat(),
    })),
  };
}
