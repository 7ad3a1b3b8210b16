/** `quorus schema`: the JSON Schemas of what people write and of what `--json` writes. */

import { canonicalJson } from "../../workflows/digest.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { absolutePath, readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { withSession } from "../session.ts";

type SchemaName = "workflow" | "run-events";

/** Prints a schema; with `check` says instead whether that file holds the same (exit 1 if not). */
export async function schemaVerb(
  process: Process,
  name: SchemaName,
  options: { readonly check?: string },
): Promise<ExitCode> {
  const schema = await schemaOf(name);
  const { check } = options;
  if (check === undefined) {
    process.out(`${JSON.stringify(schema, null, 2)}\n`);
    return EXIT.ok;
  }
  return await withSession(process, async ({ env }) => {
    const path = absolutePath(process.cwd, check);
    const text = await readTextFile(env.disk, path, "the schema", cliLimits.workflowFileBytes);
    if (isSame(text, schema)) {
      process.out(`${check} is current\n`);
      return EXIT.ok;
    }
    process.err(
      `quorus: ${check} is not what this version accepts; write it anew: quorus schema ${name} > ${check}\n`,
    );
    return EXIT.failed;
  });
}

async function schemaOf(name: SchemaName): Promise<Record<string, unknown>> {
  if (name === "workflow") return (await import("../../workflows/schema.ts")).toJSONSchema();
  return (await import("../show/events.ts")).runEventsSchema();
}

function isSame(text: string, schema: unknown): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(schema);
  } catch {
    return false;
  }
}
