/** `quorus config show` and `config schema`: the settings of a role, and where each comes from. */

import { EXIT, type ExitCode } from "../exit.ts";
import { effectiveSettings, type SettingOptions } from "../config/effective.ts";
import { originText } from "../config/layers.ts";
import { type RoleName, roleSchema } from "../config/roles.ts";
import type { Process } from "../process.ts";
import { withSession } from "../session.ts";
import type { OutputFormat } from "../show/data_formats.ts";
import { tableLines } from "../show/table.ts";

/** The options of `config show`. */
export interface ConfigShowOptions extends SettingOptions {
  readonly role: RoleName;
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
    const { listed } = await effectiveSettings(role, places, options);
    if (output === "table") {
      const rows = listed.map(({ name, value, origin }) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
        originText(origin),
      ]);
      const columns = [{ title: "SETTING" }, { title: "VALUE", maxWidth: 60 }, { title: "FROM" }];
      process.out(`${tableLines(columns, rows, outPaint).join("\n")}\n`);
    } else {
      const { dataText } = await import("../show/data.ts");
      const settings = listed.map(({ name, value, origin }) => ({
        name,
        value,
        from: originText(origin),
      }));
      process.out(dataText({ role, settings }, output));
    }
    return EXIT.ok;
  });
}

/** Prints the JSON Schema of a role's configuration file. */
export function configSchemaVerb(process: Process, role: RoleName): Promise<ExitCode> {
  process.out(`${JSON.stringify(roleSchema(role), null, 2)}\n`);
  return Promise.resolve(EXIT.ok);
}
