/** `quorus submit FILE...`: gives workflow files to a cluster, unchanged from `quorus run`. */

import type { StartedRun, Submission } from "../../client.ts";
import { EXIT, Exit, type ExitCode } from "../exit.ts";
import { bind } from "../input/bind.ts";
import { type LoadedFile, loadFiles } from "../input/documents.ts";
import { absolutePath, readTextFile } from "../input/text_file.ts";
import { givenValues, type VariableOptions } from "../input/variables.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { type Remote, type RemoteOptions, withRemote } from "../remote/session.ts";
import { watchRuns } from "../remote/watch_runs.ts";
import { dataText } from "../show/data.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { clean } from "../show/text.ts";
import { withDefaults } from "../../workflows/defaults.ts";
import { defaultsOf, type Definition, stepsOf } from "../../workflows/definition.ts";
import { formatDiagnostic, hasErrors } from "../../workflows/diagnostic.ts";
import { openNames } from "../../workflows/open_values.ts";

/** The options of `submit`. */
export interface SubmitOptions extends RemoteOptions, VariableOptions {
  readonly tenant?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
  readonly output: OutputFormat;
}

/** All files are read and checked before the first one is sent. */
export async function submitVerb(
  process: Process,
  files: readonly string[],
  options: SubmitOptions,
): Promise<ExitCode> {
  return await withRemote(process, options, async (remote) => {
    const values = await givenValues(options, remote.env.disk, process.cwd);
    const loaded = await loadFiles(remote.env.disk, process.cwd, files, Object.keys(values));
    refuseInvalid(remote, loaded);
    const submissions: Submission[] = [];
    for (const file of loaded) submissions.push(await submissionOf(remote, file, values, options));
    const started: StartedRun[] = [];
    for (const [at, submission] of submissions.entries()) {
      const { idempotencyKey: key } = options;
      const idempotencyKey = key === undefined ? undefined : at === 0 ? key : `${key}.${at}`;
      const runs = await remote.quorus.runs.submit(submission, {
        signal: remote.signal,
        idempotencyKey,
      });
      if (options.output === "table" && options.json !== true) tell(remote, files[at] ?? "", runs);
      started.push(...runs);
    }
    if (options.wait === true) return await watchRuns(remote, started.map(({ id }) => id), options);
    if (options.json === true) {
      for (const run of started) process.out(`${JSON.stringify(run)}\n`);
    } else if (options.output !== "table") {
      process.out(dataText({ runs: started }, options.output));
    }
    return EXIT.ok;
  });
}

/** What is wrong with the text is shown with its place, as in `validate`; the gateway checks the rest. */
function refuseInvalid({ process }: Remote, files: readonly LoadedFile[]): void {
  const diagnostics = files.flatMap((file) => file.diagnostics);
  if (diagnostics.length > 0) process.err(`${diagnostics.map(formatDiagnostic).join("\n\n")}\n`);
  if (hasErrors(diagnostics)) throw new Exit(EXIT.invalid);
}

/**
 * The text as it is, with what it asks of its submitter's environment and files, and the folder that its
 * relative paths start in: all of it as `run` takes it from here. What may be a credential is not sent.
 */
async function submissionOf(
  { env, process }: Remote,
  loaded: LoadedFile,
  values: Readonly<Record<string, string>>,
  { tenant }: SubmitOptions,
): Promise<Submission> {
  const path = absolutePath(process.cwd, loaded.file);
  const workflow = await readTextFile(
    env.disk,
    path,
    "the workflow file",
    cliLimits.workflowFileBytes,
  );
  const environment: Record<string, string> = {};
  const files: Record<string, string> = {};
  const problems: string[] = [];
  for (const definition of loaded.definitions) {
    const also = openNames(definition, Object.keys(values));
    const bound = await bind(definition, values, loaded.directory, env, process, also);
    Object.assign(environment, bound.bindings.env);
    Object.assign(files, bound.bindings.files);
    problems.push(...bound.problems.map((why) => `${loaded.file}: error: ${why}`));
  }
  if (problems.length > 0) {
    process.err(`${problems.join("\n\n")}\n`);
    throw new Exit(EXIT.invalid);
  }
  if (loaded.definitions.some(hasRelativePath)) {
    const folder = clean(loaded.directory);
    process.err(`${clean(loaded.file)}: relative paths start in ${folder}, on the agents\n`);
  }
  return {
    workflow,
    base: loaded.directory,
    ...(Object.keys(values).length > 0 ? { variables: values } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
    ...(Object.keys(files).length > 0 ? { files } : {}),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

/** As it is declared; a variable in front may lead anywhere. */
function hasRelativePath(definition: Definition): boolean {
  const defaults = defaultsOf(definition);
  return stepsOf(definition).map(({ body }) => withDefaults(defaults, body))
    .flatMap(({ source, destination }) => [source?.path, destination?.path])
    .some((path) => path !== undefined && !/^(\/|\$\{)/.test(path));
}

function tell({ process }: Remote, file: string, runs: readonly StartedRun[]): void {
  for (const { id, name, transfers, tenant } of runs) {
    const count = transfers === 1 ? "1 transfer" : `${transfers} transfers`;
    process.out(`${clean(file)}: ${clean(name)} is run ${id} (${count}, tenant ${tenant})\n`);
  }
}
