import assert from "node:assert/strict";
import { missingDocs, privateTypes } from "./docs.ts";
import { show } from "./finding.ts";
import { entriesOf, repositoryPaths, tidy } from "./tidy.ts";

/** What tidy says of a small repository given as path -> text. */
function said(texts: Record<string, string>, registryUrl?: string): string[] {
  const all = { "mod.ts": "", "cli.ts": "", ...texts };
  const files = Object.entries(all).map(([path, text]) => ({ path, text }));
  return tidy(files, ["mod.ts", "cli.ts"], registryUrl).map(show);
}

/** Asserts one finding that matches. */
function assertOne(findings: readonly string[], pattern: RegExp): void {
  assert.equal(findings.length, 1, findings.join("\n"));
  assert.match(findings[0] ?? "", pattern);
}

Deno.test("tidy() is silent on a tidy repository", () => {
  const texts = { "mod.ts": 'export { a } from "./runtime/a.ts";\n', "runtime/a.ts": "\n" };
  assert.deepEqual(said(texts), []);
});

Deno.test("tidy() measures a file at 500 lines, and neither prose nor data", () => {
  assert.deepEqual(said({ "tests/a.ts": "x;\n".repeat(500) }), []);
  assertOne(
    said({ "tests/a.ts": "x;\n".repeat(501) }),
    /^tests\/a\.ts:501: The file has 501 lines/,
  );
  const long = "x\n".repeat(600);
  const paths = ["a.md", "deno.lock", "a.json", "tests/x/fixtures/a.yaml", "tests/golden/a.txt"];
  for (const path of paths) assert.deepEqual(said({ [path]: long }), [], path);
});

Deno.test("tidy() finds markers of unfinished work with their line", () => {
  for (const word of ["TO" + "DO", "FIX" + "ME", "X".repeat(3)]) {
    assertOne(said({ "README.md": `a\n<!-- ${word}: later -->\n` }), /^README\.md:2: .*Finish it/);
    assert.deepEqual(said({ "tests/x/fixtures/a.yaml": `${word}\n` }), []);
    assert.deepEqual(said({ "README.md": `${word}S and a${word}\n` }), []);
  }
});

Deno.test("tidy() refuses names that say nothing", () => {
  for (const path of ["tests/utils.ts", "tests/common/a.ts", "tests/x/types.ts"]) {
    assertOne(said({ [path]: "" }), /is not a name/);
  }
  assert.deepEqual(said({ "tests/wire_types.ts": "", "tests/commonmark.ts": "" }), []);
});

Deno.test("tidy() refuses places of one machine", () => {
  const folder = ["", "work", ""].join("/");
  assertOne(said({ "README.md": `see ${folder}main\n` }), /README\.md:1: .*one machine/);
  assertOne(said({ "deno.json": `https://registry.${"npmjs.org"}/zod` }), /one machine/);
  assertOne(
    said({ "a.md": "at http://mirror.lan:81/x" }, "http://mirror.lan:81/"),
    /mirror\.lan:81/,
  );
  assertOne(said({ "tests/fixtures/a.yaml": `path: ${folder}x\n` }), /one machine/);
  assert.deepEqual(said({ "README.md": "the work/flow and homework/exercise\n" }), []);
});

Deno.test("tidy() names the whole way of an import cycle", () => {
  const findings = said({
    "mod.ts": 'import "./runtime/a.ts";\n',
    "runtime/a.ts": 'import { b } from "./b.ts";\n',
    "runtime/b.ts": '\nimport { a } from "./a.ts";\n',
  });
  assertOne(
    findings,
    /^runtime\/b\.ts:2: Import cycle: runtime\/a\.ts -> runtime\/b\.ts -> runtime\/a/,
  );
});

Deno.test("tidy() takes no type-only or dynamic import for a cycle", () => {
  for (const back of ['import type { A } from "./a.ts";', 'await import("./a.ts");']) {
    const findings = said({
      "mod.ts": 'import "./runtime/a.ts";\n',
      "runtime/a.ts": 'import { b } from "./b.ts";\n',
      "runtime/b.ts": `${back}\n`,
    });
    assert.deepEqual(findings, []);
  }
});

Deno.test("tidy() finds a source file that no entry reaches, and a Worker's file is reached", () => {
  assertOne(said({ "runtime/a.ts": "" }), /^runtime\/a\.ts:1: No entry reaches this file/);
  const onlyTested = { "runtime/a.ts": "", "tests/a_test.ts": 'import "../runtime/a.ts";\n' };
  assertOne(said(onlyTested), /No entry reaches this file/);
  const worker = {
    "cli.ts": 'new Worker(new URL("./runtime/a.ts", import.meta.url));\n',
    "runtime/a.ts": 'import type { B } from "./b.ts";\n',
    "runtime/b.ts": "",
  };
  assert.deepEqual(said(worker), []);
});

Deno.test("tidy() names an entry that does not exist instead of calling every file dead", () => {
  const findings = tidy([{ path: "runtime/a.ts", text: "" }], ["mod.ts"]).map(show);
  assertOne(findings, /^mod\.ts:1: This entry does not exist/);
});

Deno.test("entriesOf() gives the exports of deno.json and the command line", () => {
  const json = '{"exports": {".": "./mod.ts", "./testing": "./testing.ts"}}';
  assert.deepEqual(entriesOf(json), ["mod.ts", "testing.ts", "cli.ts"]);
});

Deno.test("repositoryPaths() lists this file and nothing of git", () => {
  const paths = repositoryPaths();
  assert.ok(paths.includes("tests/tidy/tidy_test.ts"));
  assert.ok(!paths.some((path) => path.startsWith(".git/") || path.includes("node_modules/")));
});

Deno.test("missingDocs() counts exports and leaves their members to their authors", () => {
  const at = (line: number, column: number) =>
    `error[missing-jsdoc]: exported symbol is missing\n --> /a/b.ts:${line}:${column}\n  | \n\n`;
  const lines = [
    "export class Link {",
    "  close(): void {}",
    "export const limit = 1;",
    "export async function dial() {}",
  ];
  const other = "error[missing-return-type]: exported function\n --> /a/b.ts:3:14\n";
  const report = at(1, 14) + at(2, 3) + at(3, 14) + other + at(4, 23);
  const found = missingDocs(report, (_path, line) => lines[line - 1] ?? "");
  assert.deepEqual(
    found.map((line) => line.slice(0, line.indexOf(" has"))),
    ["/a/b.ts:1: The export Link", "/a/b.ts:3: The export limit", "/a/b.ts:4: The export dial"],
  );
});

Deno.test("privateTypes() names types that no entry exports, but zod's", () => {
  const line = (user: string, type: string) =>
    `error[private-type-ref]: public type '${user}' references private type '${type}'\n` +
    `   --> /elsewhere/one.ts:7:3\n    |\n`;
  const found = privateTypes(line("World", "Clock") + line("tell", "ZodType"));
  assert.equal(found.length, 1);
  assert.match(found[0]!, /one\.ts:7: World shows the type Clock, .*Export it/);
});
