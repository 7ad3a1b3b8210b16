/**
 * The conformance table: every protocol, on every kind of server, beside every case of the suite.
 *
 * deno run -A tests/conformance/table.ts [--real] [--json]
 *
 * Runs the suites of `tests/protocols`, with `--real` those of `tests/real` too. "ok": the case holds, or
 * what it is about is not declared there and was refused as such. Exit code 1 where one failed.
 */

import { repositoryPaths } from "../tidy/tidy.ts";

/** What a test of the suite is called (`suite.ts`). */
const NAMED = /^(?<end>.+) (?<side>source|sink|directory): (?<title>.+)$/s;

interface Row {
  readonly side: string;
  readonly title: string;
  /** By end; absent: the suite does not run there. */
  readonly ends: Map<string, "ok" | "failed">;
}

async function junitOf(paths: readonly string[]): Promise<string> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--junit-path", report, ...paths],
    env: { QUORUS_REQUIRE_ALL: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  const text = await Deno.readTextFile(report);
  await Deno.remove(report);
  if (text === "") throw new Error(`no report: ${new TextDecoder().decode(stderr)}`);
  return text;
}

function rowsOf(xml: string): readonly Row[] {
  const rows = new Map<string, Row>();
  const cases = xml.matchAll(/<testcase name="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g);
  for (const [, name = "", , body = ""] of cases) {
    const found = NAMED.exec(unescaped(name))?.groups;
    if (found === undefined) continue;
    const { end = "", side = "", title = "" } = found;
    const key = `${side} ${title}`;
    const row = rows.get(key) ?? { side, title, ends: new Map() };
    row.ends.set(end, /<(failure|error)/.test(body) ? "failed" : "ok");
    rows.set(key, row);
  }
  return [...rows.values()];
}

function unescaped(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name] ?? whole;
    return String.fromCodePoint(Number(name.replace(/^#x?/i, (hash) => hash === "#" ? "" : "0x")));
  });
}

/** How many cases of each side an end has passed, as a table for people. */
function summary(rows: readonly Row[]): string {
  const ends = [...new Set(rows.flatMap((row) => [...row.ends.keys()]))].sort();
  const cell = (end: string, side: string) => {
    const all = rows.filter((row) => row.side === side).flatMap(({ ends }) => ends.get(end) ?? []);
    if (all.length === 0) return "-";
    return `${all.filter((one) => one === "ok").length}/${all.length}`;
  };
  const width = Math.max(...ends.map((end) => end.length));
  const line = (end: string, ...cells: readonly string[]) =>
    `${end.padEnd(width)}  ${cells.map((one) => one.padStart(10)).join("")}`;
  return [
    line("", "source", "sink", "directory"),
    ...ends.map((end) =>
      line(end, ...["source", "sink", "directory"].map((side) => cell(end, side)))
    ),
  ].join("\n");
}

const folders = ["tests/protocols/", ...(Deno.args.includes("--real") ? ["tests/real/"] : [])];
const files = repositoryPaths().filter((path) =>
  path.endsWith("_test.ts") && folders.some((folder) => path.startsWith(folder)) &&
  Deno.readTextFileSync(path).includes("/conformance/suite.ts")
);
const report = await junitOf(files);
const rows = rowsOf(report);
if (Deno.args.includes("--json")) {
  for (const { side, title, ends } of rows) {
    console.log(JSON.stringify({ side, title, ends: Object.fromEntries(ends) }));
  }
} else console.log(summary(rows));
const failed = rows.flatMap((row) =>
  [...row.ends].filter(([, how]) => how === "failed").map(([end]) =>
    `${end} ${row.side}: ${row.title}`
  )
);
for (const one of failed) console.error(`failed: ${one}`);
// A file whose program is missing, or that does not load, has no case that could fail.
const silent = files.filter((file) => !report.includes(`classname="./${file}"`));
for (const file of silent) console.error(`did not run: ${file}`);
Deno.exitCode = failed.length + silent.length > 0 ? 1 : 0;
