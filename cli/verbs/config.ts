/** `quorus config show` and `config schema`: the settings of a role, and where each comes from. */

import { stringify } from "yaml";
import { newApiKey, sha256Of } from "../../gateway/keys.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { absolutePath } from "../input/text_file.ts";
import { writeWhole } from "../roles/data_folder.ts";
import { fixedLimits } from "../config/fixed_limits.ts";
import { effectiveSettings, type SettingOptions } from "../config/effective.ts";
import { originText } from "../config/layers.ts";
import { type RoleName, roleSchema } from "../config/roles.ts";
import type { Process } from "../process.ts";
import { withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { tableLines } from "../show/table.ts";

/** Said of limits that no setting changes. */
const FIXED = "fixed";
/** Only its owner reads it. */
const KEY_MODE = 0o600;

/** The options of `config show`. */
export interface ConfigShowOptions extends SettingOptions {
  /** `cli`: what the verbs themselves work with, none of which is a setting. */
  readonly role: RoleName | "cli";
  readonly output: OutputFormat;
}

/** Prints the settings that a role would start with; secrets as the references that they are. */
export async function configShowVerb(
  process: Process,
  { role, output, ...options }: ConfigShowOptions,
): Promise<ExitCode> {
  return await withSession(process, async ({ env, outPaint }) => {
    const { cwd } = process;
    const places = { disk: env.disk, cwd, env: (name: string) => process.env(name) };
    const listed = role === "cli" ? [] : (await effectiveSettings(role, places, options)).listed;
    if (output === "table") {
      const rows = [
        ...listed.map(({ name, value, origin }) => [
          name,
          typeof value === "string" ? value : JSON.stringify(value),
          originText(origin),
        ]),
        ...fixedLimits(role).map(({ name, value }) => [name, String(value), FIXED]),
      ];
      const columns = [{ title: "SETTING" }, { title: "VALUE", maxWidth: 60 }, { title: "FROM" }];
      process.out(`${tableLines(columns, rows, outPaint).join("\n")}\n`);
    } else {
      const { dataText } = await import("../show/data.ts");
      const settings = listed.map(({ name, value, origin }) => ({
        name,
        value,
        from: originText(origin),
      }));
      for (const limit of fixedLimits(role)) settings.push({ ...limit, from: FIXED });
      process.out(dataText({ role, settings }, output));
    }
    return EXIT.ok;
  });
}

/** Makes an API key for the settings of a new cluster: the key goes to a file, its hash is printed. */
export async function configKeyVerb(
  process: Process,
  { id, scope, file }: { readonly id: string; readonly scope: string; readonly file: string },
): Promise<ExitCode> {
  return await withSession(process, async ({ env }) => {
    const path = absolutePath(process.cwd, file);
    if (await env.disk.stat(path) !== null) {
      throw new CliError(
        "usage",
        `cannot write the key to ${path}: it is there; use another --file`,
      );
    }
    const key = newApiKey(env.random);
    await writeWhole(env.disk, path, `${key}\n`, KEY_MODE);
    const entry = { id, scope, sha256: sha256Of(env.hash, key) };
    process.err(`the key is in ${path}; this goes into the settings of every controller\n`);
    process.out(stringify({ keys: [entry] }));
    return EXIT.ok;
  });
}

/** Prints the JSON Schema of a role's configuration file. */
export function configSchemaVerb(process: Process, role: RoleName): Promise<ExitCode> {
  process.out(`${JSON.stringify(roleSchema(role), null, 2)}\n`);
  return Promise.resolve(EXIT.ok);
}
