/** From definitions to runs that can be started: bound, planned, named; nothing is touched yet. */

import type { SecretSources } from "../../actors/agent/reveal.ts";
import type { Definition } from "../../workflows/definition.ts";
import { type Diagnostic, formatDiagnostic } from "../../workflows/diagnostic.ts";
import type { Plan } from "../../workflows/plan.ts";
import { planGroup } from "../../workflows/planner.ts";
import { EXIT, Exit } from "../exit.ts";
import { bind } from "../input/bind.ts";
import { findingTexts, isInvalid, type LoadedFile } from "../input/documents.ts";
import { missingSecrets, secretSources } from "../input/secrets.ts";
import { absolutePath } from "../input/text_file.ts";
import type { Session } from "../session.ts";
import { runIdOf } from "./run_id.ts";

/** A run that can be started. */
export interface PreparedRun {
  readonly file: string;
  readonly plan: Plan;
  readonly runId: string;
  readonly folder: string;
  readonly secrets: SecretSources;
}

/** How runs are prepared. */
export interface PrepareOptions {
  readonly values: Readonly<Record<string, string>>;
  readonly data: string;
  /** The directory of secrets as given. */
  readonly secrets?: string;
  /** The document was made of arguments: there is no file to show a line of. */
  readonly fromArguments?: boolean;
  /** Replaces `maxConcurrency`. */
  readonly concurrency?: number;
}

/** Prepares every definition before any is started; says all that is wrong and exits 2 otherwise. */
export async function prepareRuns(
  session: Session,
  files: readonly LoadedFile[],
  options: PrepareOptions,
): Promise<PreparedRun[]> {
  const findings = options.fromArguments
    ? files.flatMap(argumentFindings)
    : findingTexts(files, "refused");
  if (findings.length > 0) session.process.err(`${findings.join("\n\n")}\n`);
  const refused = files.some(({ unsupported }) =>
    unsupported.flat().some(({ severity }) => severity === "refused")
  );
  if (isInvalid(files) || refused) throw new Exit(EXIT.invalid);
  const prepared: PreparedRun[] = [];
  const problems: string[] = [];
  for (const { file, directory, definitions } of files) {
    for (const definition of definitions) {
      const one = await prepareRun(session, definition, file, directory, options);
      if (Array.isArray(one)) problems.push(...one);
      else prepared.push(one);
    }
  }
  if (problems.length === 0) return prepared;
  session.process.err(`${problems.join("\n\n")}\n`);
  throw new Exit(EXIT.invalid);
}

function argumentFindings({ diagnostics, unsupported }: LoadedFile): string[] {
  return [
    ...diagnostics.map(argumentText),
    ...unsupported.flat().map(({ reason }) => `quorus: ${reason}`),
  ];
}

function argumentText({ message, suggestion }: Diagnostic): string {
  return `quorus: ${message}${suggestion === undefined ? "" : `; ${suggestion}`}`;
}

/** One run, or why it cannot be. */
async function prepareRun(
  session: Session,
  definition: Definition,
  file: string,
  directory: string,
  options: PrepareOptions,
): Promise<PreparedRun | string[]> {
  const { env, process } = session;
  const bound = await bind(definition, options.values, directory, env, process);
  const { plan, diagnostics } = planGroup(definition, bound.bindings);
  const problems = [...bound.problems.map((why) => `${file}: error: ${why}`)];
  const secretsDirectory = options.secrets === undefined
    ? null
    : absolutePath(process.cwd, options.secrets);
  const secrets = secretSources({ disk: env.disk, process, secretsDirectory, directory });
  const missing = await missingSecrets(bound.wanted, secrets);
  problems.push(
    ...missing.map((why) => `${options.fromArguments ? "quorus" : `${file}: error`}: ${why}`),
  );
  problems.push(...diagnostics.map(options.fromArguments ? argumentText : formatDiagnostic));
  if (plan === null || problems.length > 0) return problems;
  const runId = runIdOf(env.hash, definition, bound.bindings);
  return {
    file,
    plan: options.concurrency === undefined
      ? plan
      : { ...plan, maxConcurrency: options.concurrency },
    runId,
    folder: `${absolutePath(process.cwd, options.data)}/runs/${runId}`,
    secrets,
  };
}
