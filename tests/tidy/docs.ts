/** The doc check: every export of the entries in deno.json has a docstring and names exported types only. */

import { repositoryPath, repositoryRoot } from "./repository.ts";

/** The name of an export, in front of which this stands on its line, is what must be documented. */
const exported =
  /^(export )?(default |declare |abstract |async )*(class|interface|function\*?|const|type|enum|namespace) $/;

const finding = /error\[missing-jsdoc\][^\n]*\n\s*--> ([^\n]+):(\d+):(\d+)\n/g;

/** What `deno doc --lint` printed, as lines, without findings about members; `lineOf` reads sources. */
export function missingDocs(
  report: string,
  lineOf: (path: string, line: number) => string,
): string[] {
  return [...report.matchAll(finding)].flatMap(([, path = "", line = "1", column = "1"]) => {
    const source = lineOf(path, Number(line));
    if (!exported.test(source.slice(0, Number(column) - 1))) return [];
    const name = /^[\w$]+/.exec(source.slice(Number(column) - 1))?.[0] ?? "export";
    return [
      `${repositoryPath(path)}:${line}: The export ${name} has no docstring. ` +
      "It is part of the public interface. Say in one sentence what it is, then shapes, units, errors.",
    ];
  });
}

const reference =
  /error\[private-type-ref\]: public type '([^']+)' references private type '([^']+)'\n\s*--> ([^\n]+):(\d+):\d+\n/g;

/** Types of zod and Hono, which their users import from there. */
const FOREIGN: ReadonlySet<string> = new Set(["ZodType", "output", "Hono"]);

/** Types in public signatures of what `deno doc --lint` printed that nobody could import. */
export function privateTypes(report: string): string[] {
  return [...report.matchAll(reference)].flatMap(([, user, type = "", path = "", line]) => {
    if (FOREIGN.has(type)) return [];
    return [
      `${repositoryPath(path)}:${line}: ${user} shows the type ${type}, which no entry exports. ` +
      "Who uses the one cannot name the other. Export it from mod.ts or testing.ts.",
    ];
  });
}

function sourceLine(path: string, line: number): string {
  return Deno.readTextFileSync(path).split("\n")[line - 1] ?? "";
}

if (import.meta.main) {
  const config = JSON.parse(Deno.readTextFileSync(`${repositoryRoot}deno.json`)) as {
    exports: Record<string, string>;
  };
  const output = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", ...Object.values(config.exports)],
    cwd: repositoryRoot,
    env: { NO_COLOR: "1" },
  }).outputSync();
  const decoder = new TextDecoder();
  const report = decoder.decode(output.stdout) + decoder.decode(output.stderr);
  const missing = missingDocs(report, sourceLine);
  const hidden = privateTypes(report);
  for (const line of [...missing, ...hidden]) console.log(line);
  const isBroken = !output.success && !/error\[[a-z-]+\]/.test(report);
  if (isBroken) console.log(report);
  console.log(
    `docs: ${missing.length} exports without a docstring, ${hidden.length} types not exported`,
  );
  if (missing.length + hidden.length > 0 || isBroken) Deno.exit(1);
}
