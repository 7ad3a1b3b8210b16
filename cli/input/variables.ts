/** `--var NAME=VALUE` and `--vars FILE`: values by their full names. */

import { parse } from "yaml";
import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk } from "../../runtime/env/env.ts";
import { CliError } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import { absolutePath, readTextFile } from "./text_file.ts";

/** What the options say. */
export interface VariableOptions {
  readonly var?: readonly string[];
  readonly vars?: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$/;

/** All given values; `--var` wins over `--vars`, the later over the earlier. CliError where one is malformed. */
export async function givenValues(
  options: VariableOptions,
  disk: Disk,
  cwd: string,
): Promise<Record<string, string>> {
  const fromFile = options.vars === undefined ? {} : await fileValues(options.vars, disk, cwd);
  return { ...fromFile, ...Object.fromEntries((options.var ?? []).map(assignment)) };
}

function assignment(text: string): [string, string] {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  if (at >= 0 && NAME.test(name)) return [name, text.slice(at + 1)];
  const why = at < 0 ? "there is no =" : `"${name}" is not a name`;
  throw new CliError(
    "usage",
    `cannot use --var ${JSON.stringify(text)}: ${why}; write --var NAME=VALUE`,
  );
}

async function fileValues(
  given: string,
  disk: Disk,
  cwd: string,
): Promise<Record<string, string>> {
  const path = absolutePath(cwd, given);
  const text = await readTextFile(disk, path, "the --vars file", cliLimits.valueFileBytes);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new CliError(
      "invalidInput",
      `cannot use --vars ${given}: it is not YAML or JSON: ${messageOf(cause).split("\n")[0]}`,
      { cause },
    );
  }
  return value === null ? {} : flattened(value, "", given);
}

/** `{tenant: {id: x}}` binds `tenant.id`. */
function flattened(value: unknown, prefix: string, file: string): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (prefix !== "" && ["string", "number", "boolean"].includes(typeof value)) {
      return { [prefix]: String(value) };
    }
    const where = prefix === "" ? "the file" : `"${prefix}"`;
    throw new CliError(
      "invalidInput",
      `cannot use --vars ${file}: ${where} is not a map of names to text, numbers or true/false`,
    );
  }
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, inner]) => {
      const full = prefix === "" ? name : `${prefix}.${name}`;
      if (!NAME.test(full)) {
        throw new CliError("invalidInput", `cannot use --vars ${file}: "${full}" is not a name`);
      }
      return flattened(inner, full, file);
    }),
  );
}
