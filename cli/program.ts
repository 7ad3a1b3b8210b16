/**
 * The tree of verbs. A verb's code is loaded when it is called: `quorus version` pays for nothing
 * that `quorus run` needs.
 */

import { Command, CommanderError } from "commander";
import { EXIT, Exit, type ExitCode, exitCodeOf, failureText } from "./exit.ts";
import { count, withExecution, withOutput, withVariables } from "./options.ts";
import type { Process } from "./process.ts";

/** Carries out what the arguments of the process say; never rejects, and says why it failed. */
export async function main(process: Process): Promise<ExitCode> {
  const done: { code: ExitCode } = { code: EXIT.ok };
  try {
    await programOf(process, done).parseAsync([...process.args], { from: "user" });
    return done.code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.invalid;
    if (!(thrown instanceof Exit)) {
      process.err(failureText(thrown, process.env("QUORUS_DEBUG") === "1"));
    }
    return exitCodeOf(thrown);
  }
}

/** The commander tree; `done` gets the exit code of the verb that was called. */
export function programOf(process: Process, done: { code: ExitCode }): Command {
  const program = new Command("quorus")
    .description(
      "Moves files: declared in YAML, verified to the byte, never published half-written.",
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => process.out(text),
      writeErr: (text) => process.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, "quorus: ")),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError("(quorus help VERB says more)")
    .helpCommand("help [VERB]", "what a verb does and takes");
  const add = (verb: Command, call: (verb: Command) => Promise<ExitCode>) => {
    verb.action(async () => {
      done.code = await call(verb);
    });
    program.addCommand(verb.copyInheritedSettings(program));
  };
  addRunning(add, process);
  addTelling(add, process);
  return program;
}

type Add = (verb: Command, call: (verb: Command) => Promise<ExitCode>) => void;

/** Verbs that move files. */
function addRunning(add: Add, process: Process): void {
  const run = new Command("run")
    .description("carry workflow files out, one after the other, to their end")
    .argument("<FILE...>", "workflow files")
    .option("--concurrency <N>", "transfers at a time, instead of maxConcurrency", count)
    .option("--keep-going", "go on with the next workflow after one that failed")
    .option("--dry-run", "ask every source, look at every destination, touch nothing");
  add(withVariables(withExecution(run)), async (verb) => {
    const { runVerb } = await import("./verbs/run.ts");
    return await runVerb(process, verb.args, verb.opts());
  });
}

/** Verbs about the program itself. */
function addTelling(add: Add, process: Process): void {
  add(withOutput(new Command("version").description("versions")), async (verb) => {
    const { versionVerb } = await import("./verbs/version.ts");
    return versionVerb(process, verb.opts());
  });
}
