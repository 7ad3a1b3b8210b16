/** The value behind a reference in the settings. */

import type { Disk } from "../../runtime/env/env.ts";
import { SECRET_REFERENCE } from "../config/fields.ts";
import { CliError } from "../exit.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";

/** Looks a reference up; CliError where it leads nowhere. Paths in it are absolute by now. */
export async function revealSetting(
  reference: string,
  disk: Disk,
  env: (name: string) => string | undefined,
): Promise<string> {
  const { kind, name } = SECRET_REFERENCE.exec(reference)!.groups!;
  if (kind === "file") {
    const text = await readTextFile(disk, name!, "the secret", cliLimits.valueFileBytes);
    return text.trim();
  }
  const value = env(name!);
  if (value !== undefined && value !== "") return value;
  throw new CliError("invalidInput", `cannot use ${reference}: ${name} is not set; set it`);
}
