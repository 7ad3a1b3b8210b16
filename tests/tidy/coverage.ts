/**
 * `deno task coverage`: runs `deno task test` under coverage and prints the line coverage of every
 * source file, those that no test loads counted as 0 %. Sub-processes and Workers of the tests are
 * counted too (Deno hands them the folder in `DENO_COVERAGE_DIR`), unless they are killed.
 */

import { stripTypeScriptTypes } from "node:module";
import { isSource } from "./layers.ts";
import { repositoryPath, repositoryRoot } from "./repository.ts";
import { repositoryPaths } from "./tidy.ts";

/** Lines of a file that can run, and that did. */
export interface Lines {
  readonly found: number;
  readonly hit: number;
}

/** The share of lines that must have run. */
const minPercent = 90;

/** The lines by path of a report in the lcov format. */
export function parseLcov(report: string): Map<string, Lines> {
  const files = new Map<string, Lines>();
  for (const record of report.split("end_of_record")) {
    const path = /^SF:(.+)$/m.exec(record)?.[1];
    if (path === undefined) continue;
    const number = (field: string) =>
      Number(new RegExp(`^${field}:(\\d+)$`, "m").exec(record)?.[1]);
    files.set(repositoryPath(path), { found: number("LF"), hit: number("LH") });
  }
  return files;
}

/** How many lines of TypeScript `text` are code when types and comments are gone. */
export function runnableLines(text: string): number {
  // Parameter properties need "transform", which newer type declarations of Node do not know.
  const code = stripTypeScriptTypes(text, { mode: "transform" as "strip" })
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/^\s*\/\/.*$/gm, "");
  return code.split("\n").filter((line) => /[^\s;]/.test(line)).length;
}

/** Every source among `paths` with its lines; a source the report lacks has none that ran. */
export function allSources(
  paths: readonly string[],
  report: ReadonlyMap<string, Lines>,
  textOf: (path: string) => string,
): Map<string, Lines> {
  const all = new Map<string, Lines>();
  for (const path of paths) {
    if (!path.endsWith(".ts") || !isSource(path)) continue;
    const lines = report.get(path) ?? { found: runnableLines(textOf(path)), hit: 0 };
    if (lines.found > 0) all.set(path, lines);
  }
  return all;
}

/** Percent of the lines that ran, 100 when there are none. */
export function percentOf(lines: Iterable<Lines>): number {
  let found = 0;
  let hit = 0;
  for (const each of lines) {
    found += each.found;
    hit += each.hit;
  }
  return found === 0 ? 100 : (100 * hit) / found;
}

/** Runs `deno` with `args` in the repository, its output in ours; true when it succeeded. */
function runDeno(args: readonly string[]): boolean {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: repositoryRoot,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  });
  return command.outputSync().success;
}

function removeOld(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function main(): void {
  const folder = `${repositoryRoot}coverage`;
  removeOld(folder);
  const isTested = runDeno(["task", "test", `--coverage=${folder}`, "--coverage-raw-data-only"]);
  const lcov = `${folder}/lcov.info`;
  const isReported = runDeno(["coverage", folder, "--lcov", `--output=${lcov}`]);
  const report = parseLcov(isReported ? Deno.readTextFileSync(lcov) : "");
  const textOf = (path: string) => Deno.readTextFileSync(repositoryRoot + path);
  const sources = allSources(repositoryPaths(), report, textOf);
  for (const [path, lines] of sources) {
    const note = report.has(path) ? "" : "  (no test loads it)";
    const figures = `${percentOf([lines]).toFixed(1).padStart(5)} %  ${lines.hit}/${lines.found}`;
    console.log(`${figures.padEnd(22)}${path}${note}`);
  }
  const percent = percentOf(sources.values());
  console.log(`coverage: ${percent.toFixed(1)} % of the lines of ${sources.size} files`);
  if (!isTested) console.log("coverage: the tests failed, so the figure is not the whole one");
  if (percent < minPercent) console.log(`coverage: below ${minPercent} %`);
  if (!isTested || percent < minPercent) Deno.exit(1);
}

if (import.meta.main) main();
