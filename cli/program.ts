/**
 * The tree of verbs. A verb's code is loaded when it is called: `quorus version` pays for nothing
 * that `quorus run` needs.
 */

import { Argument, Command, CommanderError, Option } from "commander";
import { EXIT, Exit, type ExitCode, exitCodeOf, failureText } from "./exit.ts";
import {
  collect,
  count,
  withAccess,
  withExecution,
  withOutput,
  withProtocols,
  withReach,
  withVariables,
} from "./options.ts";
import type { Process } from "./process.ts";
import { addCluster } from "./program_cluster.ts";
import { addRates } from "./program_rates.ts";
import { addPki } from "./program_pki.ts";
import { addRemote } from "./program_remote.ts";
import { type AddGroup, addRoles, type AddVerb } from "./program_roles.ts";

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

/** What every verb has in common; `tests/cli/process_test.ts` runs verbs with these permissions. */
const EPILOGUE = `
Exit codes: 0 ok, 1 a transfer failed, 2 usage or invalid input, 3 refused (another
process works on the same run; a gateway: key, rate, policy), 4 no answer, or not in
time (doctor, gateways), 130 interrupted.

Results go to standard output, progress and messages to standard error. NO_COLOR
turns colours off, QUORUS_DEBUG=1 shows where a defect is.

With fewer permissions than deno task quorus grants (always with --no-prompt):
  version, schema, completion   none
  validate, plan                --allow-read=FILES --ignore-env, or --allow-env=NAMES
  submit, get, watch ...        --allow-net=GATEWAYS --allow-read=FILES --allow-env=NAMES
  run, copy, doctor             --allow-read=SOURCES,DESTINATIONS,DATA,runtime
                                --allow-write=DESTINATIONS,DATA --allow-net=HOSTS
                                --ignore-env, or --allow-env=NAMES,LOG_TOKENS,LOG_STREAM
                                (runtime: the folder of this program's hash worker;
                                HOSTS without ports, as names are resolved, and of
                                http: their addresses too)
  controller, gateway           --ignore-env --allow-env=QUORUS_* --allow-write=DATA
                                --allow-read=DATA,CONFIG,CERTIFICATES,PROGRAM
                                --allow-net=LISTEN,CONTROLLERS (gateway: HTTP)
  agent, start                  the same with --allow-net, the directories of its
                                volumes in read and write, and --allow-sys=hostname,
                                loadavg,systemMemoryInfo,networkInterfaces,cpus,statfs
  cluster                       --ignore-env --allow-read --allow-write --allow-run
                                --allow-net=127.0.0.1
  pki, join                     --ignore-env --allow-read=DIR --allow-write=DIR,
                                serve and join with --allow-net=HOST:PORT
`;

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
    .helpCommand("help [VERB]", "what a verb does and takes")
    .addHelpText("after", EPILOGUE);
  const addTo = (parent: Command): AddVerb => (verb, call) => {
    verb.action(async () => {
      done.code = await call(verb);
    });
    parent.addCommand(verb.copyInheritedSettings(program));
  };
  const add = addTo(program);
  const addGroup: AddGroup = (group, fill) => {
    fill(addTo(group.copyInheritedSettings(program)));
    program.addCommand(group);
  };
  addRunning(add, process);
  addLooking(add, process);
  addAtRest(add, process);
  addRemote(add, process);
  addRoles(add, addGroup, process);
  addCluster(addGroup, process);
  addRates(addGroup, process);
  addPki(add, addGroup, process);
  addTelling(add, process, program);
  return program;
}

/** Verbs that move files. */
function addRunning(add: AddVerb, process: Process): void {
  const run = new Command("run")
    .description("carry workflow files out, one after the other, to their end")
    .argument("<FILE...>", "workflow files; relative paths in them start where they stand")
    .option("--concurrency <N>", "transfers at a time, instead of maxConcurrency", count)
    .option("--keep-going", "go on with the next workflow after one that failed")
    .option("--dry-run", "ask every source, look at every destination, touch nothing");
  add(withVariables(withExecution(run)), async (verb) => {
    const { runVerb } = await import("./verbs/run.ts");
    return await runVerb(process, verb.args, verb.opts());
  });
  const copy = new Command("copy")
    .description("copy one file, verified, resumable")
    .argument("<SRC>", "a path or URI")
    .argument("<DST>", "a path or URI; with / at its end, or a directory, it keeps the name")
    .option("--checksum <sha256:HEX>", "what the file must be")
    .addOption(
      new Option("--conflict <POLICY>", "what happens to a file that is there")
        .choices(["overwrite", "fail", "skip-if-same", "rename"]),
    )
    .option("--parallel <N>", "ranges at a time", count)
    .option("--chunk-size <SIZE>", "such as 8MiB: what is hashed and resumed as one")
    .option("--header <'K: V'>", "a header of the request; may be repeated", collect)
    .addOption(
      new Option("--verify <LEVEL>", "the least that must be verified")
        .choices(["none", "size", "source", "reread"]),
    );
  add(withExecution(copy), async (verb) => {
    const { copyVerb } = await import("./verbs/copy.ts");
    const [source = "", destination = ""] = verb.args;
    return await copyVerb(process, source, destination, verb.opts());
  });
}

/** Verbs for files at rest. */
function addAtRest(add: AddVerb, process: Process): void {
  const decrypt = new Command("decrypt")
    .description("write what a sealed file holds, with the key and nothing else")
    .argument("<SEALED>", "a local file that Quorus sealed (destination.encrypt)")
    .argument("<OUT>", "where its content goes; nothing stands there before all of it is proved")
    .option("--key-file <FILE>", "a key, in base64 or hexadecimal; may be repeated", collect, [])
    .option("--force", "replace what stands at OUT")
    .option("--json", "say what was written as JSON");
  add(decrypt, async (verb) => {
    const { decryptVerb } = await import("./verbs/decrypt.ts");
    const [sealed = "", out = ""] = verb.args;
    return await decryptVerb(process, sealed, out, verb.opts());
  });
}

/** Verbs that look and move nothing. */
function addLooking(add: AddVerb, process: Process): void {
  const validate = new Command("validate")
    .description("say everything that is wrong with workflow files")
    .argument("<FILE...>", "workflow files");
  add(withProtocols(withVariables(withOutput(validate))), async (verb) => {
    const { validateVerb } = await import("./verbs/validate.ts");
    return await validateVerb(process, verb.args, verb.opts());
  });
  const plan = new Command("plan")
    .description("show what run would do: order, what is parallel, variables, skips")
    .argument("<FILE...>", "workflow files");
  add(withProtocols(withVariables(withOutput(plan))), async (verb) => {
    const { planVerb } = await import("./verbs/plan.ts");
    return await planVerb(process, verb.args, verb.opts());
  });
  const doctor = new Command("doctor")
    .description("say whether a place can be read from or written to, and what it offers")
    .argument("<URI...>", "URIs or paths; in local directories a small file is written and removed")
    .option(
      "--to <URI>",
      "a destination: small files are written there and removed, and the pair judged",
    )
    .option("--secrets <DIR>", "a directory of secrets: one file each; else QUORUS_SECRET_NAME")
    .option("--to-header <'K: V'>", "the same for the destination", collect)
    .option("--to-auth <KEY=VALUE>", "the same for the destination", collect)
    .option("--to-option <KEY=VALUE>", "the same for the destination", collect);
  add(withReach(withAccess(withOutput(doctor))), async (verb) => {
    const { doctorVerb } = await import("./verbs/doctor.ts");
    return await doctorVerb(process, verb.args, verb.opts());
  });
  const protocols = new Command("protocols")
    .description("say which transfer protocols there are, and what each can do")
    .argument("[NAME]", "one of them, with its schemes, credentials and options");
  add(withProtocols(withOutput(protocols)), async (verb) => {
    const { protocolsVerb } = await import("./verbs/protocols.ts");
    return await protocolsVerb(process, verb.args[0] ?? null, verb.opts());
  });
}

/** Verbs about the program itself. */
function addTelling(add: AddVerb, process: Process, program: Command): void {
  const schema = new Command("schema")
    .description("print the JSON Schema of workflow files, or of what run --json writes")
    .addArgument(
      new Argument("[NAME]", "which").choices(["workflow", "run-events"]).default("workflow"),
    )
    .option("--check <FILE>", "say whether FILE holds this schema (exit 1 if not)");
  add(schema, async (verb) => {
    const { schemaVerb } = await import("./verbs/schema.ts");
    return await schemaVerb(process, verb.processedArgs[0], verb.opts());
  });
  add(withOutput(new Command("version").description("print versions")), async (verb) => {
    const { versionVerb } = await import("./verbs/version.ts");
    return await versionVerb(process, verb.opts());
  });
  const completion = new Command("completion")
    .description("print shell completion: source <(quorus completion bash)")
    .addArgument(new Argument("<SHELL>", "which shell").choices(["bash", "zsh", "fish"]));
  add(completion, async (verb) => {
    const { completionVerb } = await import("./verbs/completion.ts");
    return completionVerb(process, verb.processedArgs[0], program);
  });
}
