/** Where `${secret:...}`, sealed `${env:...}` and sealed `${file:...}` lead on this machine. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk } from "../../runtime/env/env.ts";
import type { SecretSources } from "../../actors/agent/reveal.ts";
import type { Needs } from "../../workflows/needs.ts";
import { CliError } from "../exit.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { absolutePath, readTextFile } from "./text_file.ts";

/** What looking up needs. */
export interface SecretPlaces {
  readonly disk: Disk;
  readonly process: Process;
  /** The directory of `--secrets`, absolute; `null` without one. */
  readonly secretsDirectory: string | null;
  /** Where relative file references start. */
  readonly directory: string;
}

/** The environment variable of a secret: `db/password-1` is `QUORUS_SECRET_DB_PASSWORD_1`. */
export function secretVariable(name: string): string {
  return `QUORUS_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** Looks each value up when it is asked for and keeps none; CliError says where it was looked for. */
export function secretSources(places: SecretPlaces): SecretSources {
  return {
    secret: (name) => secret(name, places),
    env: (name) => {
      const value = places.process.env(name);
      if (value !== undefined) return Promise.resolve(value);
      const why = `the environment variable ${name} is not set; set it`;
      return Promise.reject(new CliError("invalidInput", why));
    },
    file: (name) => sealedFile(absolutePath(places.directory, name), places.disk),
  };
}

async function secret(name: string, places: SecretPlaces): Promise<string> {
  const { secretsDirectory, disk, process } = places;
  if (name.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new CliError("invalidInput", `"${name}" is not a name of a secret: it leads elsewhere`);
  }
  if (secretsDirectory !== null) {
    const path = `${secretsDirectory}/${name}`;
    if (await disk.stat(path) !== null) return await sealedFile(path, disk);
  }
  const variable = secretVariable(name);
  const value = process.env(variable);
  if (value !== undefined) return value;
  const looked = secretsDirectory === null
    ? `set ${variable}, or name a directory of secrets with --secrets`
    : `there is no file ${secretsDirectory}/${name}, and ${variable} is not set`;
  throw new CliError("invalidInput", `there is no such secret: ${looked}`);
}

/** Files that editors wrote end with a line end that belongs to no password. */
async function sealedFile(path: string, disk: Disk): Promise<string> {
  const text = await readTextFile(disk, path, "the file", cliLimits.valueFileBytes);
  return text.replace(/\r?\n$/, "");
}

/** Why secrets of a definition cannot be had: told before anything runs, never with a value. */
export async function missingSecrets(wanted: Needs, sources: SecretSources): Promise<string[]> {
  const missing: string[] = [];
  const probe = async (kind: keyof SecretSources, names: readonly string[]) => {
    for (const name of names) {
      try {
        await sources[kind](name);
      } catch (thrown) {
        missing.push(`cannot resolve \${${kind}:${name}}: ${messageOf(thrown)}`);
      }
    }
  };
  await probe("secret", wanted.secrets);
  await probe("env", wanted.sealedEnv);
  await probe("file", wanted.sealedFiles);
  return missing;
}
