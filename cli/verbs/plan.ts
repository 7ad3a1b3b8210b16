/** `quorus plan FILE...`: what `run` would do; touches nothing. */

import { formatDiagnostic } from "../../workflows/diagnostic.ts";
import { planGroup } from "../../workflows/planner.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { bind } from "../input/bind.ts";
import { findingTexts, isInvalid, type LoadedFile, loadFiles } from "../input/documents.ts";
import { givenValues, type VariableOptions } from "../input/variables.ts";
import { loadPlugIns } from "../plug_ins.ts";
import type { Process } from "../process.ts";
import { runIdOf } from "../run/run_id.ts";
import { type Session, withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { planLines, type PlanView, planView } from "../show/plan_view.ts";

/** The options of `plan`. */
export interface PlanOptions extends VariableOptions {
  readonly output: OutputFormat;
  readonly protocol?: readonly string[];
}

/** Exit 2 if a file cannot be planned: an error in it, or a value that is missing. */
export async function planVerb(
  process: Process,
  files: readonly string[],
  options: PlanOptions,
): Promise<ExitCode> {
  return await withSession(process, async (session) => {
    const values = await givenValues(options, session.env.disk, process.cwd);
    const plugIns = await loadPlugIns(options.protocol ?? [], process.cwd);
    const { disk } = session.env;
    const loaded = await loadFiles(disk, process.cwd, files, Object.keys(values), plugIns);
    if (isInvalid(loaded)) {
      process.err(`${findingTexts(loaded).join("\n\n")}\n`);
      return EXIT.invalid;
    }
    const views: PlanView[] = [];
    const problems: string[] = [];
    for (const file of loaded) {
      const planned = await planFile(session, file, values);
      views.push(...planned.views);
      problems.push(...planned.problems);
    }
    if (problems.length > 0) {
      process.err(`${problems.join("\n\n")}\n`);
      return EXIT.invalid;
    }
    await show(session, views, options.output);
    return EXIT.ok;
  });
}

async function planFile(
  session: Session,
  { file, directory, definitions, diagnostics, unsupported }: LoadedFile,
  values: Readonly<Record<string, string>>,
): Promise<{ views: PlanView[]; problems: string[] }> {
  const { env, process } = session;
  // A name that is bound later is a warning when it is read, and an error here if it is not bound.
  const told = diagnostics.filter(({ code }) => code !== "boundLater").map(formatDiagnostic);
  if (told.length > 0) process.err(`${told.join("\n\n")}\n\n`);
  const views: PlanView[] = [];
  const problems: string[] = [];
  for (const [index, definition] of definitions.entries()) {
    const bound = await bind(definition, values, directory, env, process);
    const { plan, diagnostics: found } = planGroup(definition, bound.bindings);
    problems.push(...bound.problems.map((why) => `${file}: error: ${why}`));
    problems.push(...found.map(formatDiagnostic));
    if (plan === null) continue;
    const runId = runIdOf(env.hash, definition, bound.bindings);
    views.push(planView(plan, { file, runId, unsupported: unsupported[index] ?? [] }));
  }
  return { views, problems };
}

async function show(
  session: Session,
  views: readonly PlanView[],
  format: OutputFormat,
): Promise<void> {
  const { process, outPaint } = session;
  if (format === "table") {
    process.out(`${views.map((view) => planLines(view, outPaint).join("\n")).join("\n\n")}\n`);
    return;
  }
  const { dataText } = await import("../show/data.ts");
  process.out(dataText({ plans: views }, format));
}
