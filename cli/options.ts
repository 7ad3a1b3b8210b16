/** Options that several verbs share, and how their values are read. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseBytes } from "../runtime/base/units.ts";
import { OUTPUT_FORMATS } from "./show/data_formats.ts";

/** Where runs are kept unless `--data` says otherwise. */
const DATA_DIRECTORY = "./.quorus";
/** Where a local cluster is unless `--dir` says otherwise. */
export const CLUSTER_DIRECTORY = "./.quorus/cluster";
const MOST_CONCURRENT = 1_000;

/** `--var NAME=VALUE`, any number of times, and `--vars FILE`. */
export function withVariables(command: Command): Command {
  return command
    .option("--var <NAME=VALUE>", "bind a variable; may be repeated", collect)
    .option("--vars <FILE>", "bind the variables of a YAML or JSON file");
}

/** How a place is reached. */
export function withAccess(command: Command): Command {
  return command
    .option("--header <'K: V'>", "a header of the request; may be repeated", collect)
    .option(
      "--auth <KEY=VALUE>",
      "credentials, such as type=key username=u 'privateKey=${file:KEY}'; may be repeated",
      collect,
    )
    .option("--option <KEY=VALUE>", "an option of the protocol; may be repeated", collect);
}

/** `--protocol MODULE`, any number of times. */
export function withProtocols(command: Command): Command {
  return command.option(
    "--protocol <MODULE>",
    "a protocol from outside: a module's path or specifier; may be repeated",
    collect,
  );
}

/** The same, and `--reach NAME=VALUE`. */
export function withReach(command: Command): Command {
  return withProtocols(command).option(
    "--reach <NAME=VALUE>",
    "what may be reached, such as deny=10.0.0.0/8 or loopback=false; may be repeated",
    collect,
  ).option(
    "--nfs <URI=PATH>",
    "where an NFS export is mounted, such as nfs://host/export=/mnt/x, or nfs://host/export=libnfs:PATH to read it unmounted; may be repeated",
    collect,
  );
}

/** `-o table|json|yaml`. */
export function withOutput(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <FORMAT>", "how the result is written")
      .choices([...OUTPUT_FORMATS]).default("table"),
  );
}

/** What `run` and `copy` have in common. */
export function withExecution(command: Command): Command {
  return withReach(withOutput(command))
    .option("--data <DIR>", "where runs keep their state", DATA_DIRECTORY)
    .option("--no-sync", "do not wait for the disk: faster, lost in a power failure")
    .option("--max-rate <SIZE>", "bytes per second from sources, such as 10MB", rate)
    .option("--trace", "log every call to a source or destination")
    .option("--secrets <DIR>", "a directory of secrets: one file each; else QUORUS_SECRET_NAME")
    .addOption(
      new Option("--json", "write events as NDJSON instead of a report").conflicts("output"),
    );
}

/** Gathers a repeated option. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...earlier ?? [], value];
}

/** A whole number from 1 on. */
export function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST_CONCURRENT) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_CONCURRENT}.`);
}

/** A whole number from 0 on. */
export function countFromNone(text: string): number {
  return text === "0" ? 0 : count(text);
}

/** A size per second. */
export function rate(text: string): number {
  const value = parseBytes(text);
  if (value !== null && value > 0) return value;
  throw new InvalidArgumentError("It must be a size such as 512KiB or 10MB.");
}
