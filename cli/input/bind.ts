/** Looks up what definitions ask for: environment, files, given values; never a secret. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Bindings } from "../../workflows/bindings.ts";
import type { Definition } from "../../workflows/definition.ts";
import { type Needs, needs } from "../../workflows/needs.ts";
import type { OutsideNames } from "../../workflows/open_values.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { absolutePath, readTextFile } from "./text_file.ts";

/** Bindings, what was asked for, and why a file that was asked for is not among them. */
export interface Bound {
  readonly bindings: Bindings;
  readonly wanted: Needs;
  readonly problems: readonly string[];
}

/**
 * Reads only what the definition names, and `also` what it names elsewhere. Whatever is missing is reported
 * by the planner with its place.
 */
export async function bind(
  definition: Definition,
  values: Readonly<Record<string, string>>,
  directory: string,
  env: Env,
  process: Process,
  also: OutsideNames = { env: [], files: [] },
): Promise<Bound> {
  const wanted = needs(definition, Object.keys(values));
  const problems: string[] = [];
  const variables: Record<string, string> = {};
  for (const name of [...wanted.env, ...also.env]) {
    const value = process.env(name);
    if (value !== undefined) variables[name] = value;
  }
  const files: Record<string, string> = {};
  for (const name of new Set([...wanted.files, ...also.files])) {
    try {
      const path = absolutePath(directory, name);
      files[name] = await readTextFile(env.disk, path, "the file", cliLimits.valueFileBytes);
    } catch (thrown) {
      problems.push(messageOf(thrown));
    }
  }
  const bindings = {
    nowMs: env.clock.now(),
    env: variables,
    files,
    values,
    pathBase: directory,
  };
  return { bindings, wanted, problems };
}
