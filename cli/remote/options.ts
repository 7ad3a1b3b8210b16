/** Options that the verbs share which speak to a gateway. */

import { type Command, InvalidArgumentError } from "commander";
import { parseDurationMs } from "../../runtime/base/units.ts";
import { cliLimits } from "../limits.ts";

/** `--server`, `--key`, `--key-file`, `--timeout`. */
export function withServer(command: Command): Command {
  return command
    .option("--server <URL>", "gateways, with commas between them; else QUORUS_SERVER")
    .option(
      "--key <KEY>",
      "the API key; else QUORUS_API_KEY (others see the arguments of a process)",
    )
    .option("--key-file <FILE>", "a file that holds the API key; else QUORUS_API_KEY_FILE")
    .option(
      "--timeout <DURATION>",
      "a call is repeated so long, such as 30s",
      durationMs,
      cliLimits.remoteCallMs,
    );
}

function durationMs(text: string): number {
  const value = parseDurationMs(text);
  if (value !== null && value > 0) return value;
  throw new InvalidArgumentError("It must be a duration such as 500ms, 30s or 2m.");
}
