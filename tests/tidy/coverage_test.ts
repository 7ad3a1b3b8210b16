import assert from "node:assert/strict";
import { allSources, parseLcov, percentOf, runnableLines } from "./coverage.ts";
import { repositoryRoot } from "./repository.ts";

const report = `SF:${repositoryRoot}runtime/a.ts
DA:1,1
LH:3
LF:4
end_of_record
SF:${repositoryRoot}tests/a_test.ts
LH:9
LF:9
end_of_record
`;

Deno.test("parseLcov() gives lines found and hit by path", () => {
  const parsed = parseLcov(report);
  assert.deepEqual([...parsed.keys()], ["runtime/a.ts", "tests/a_test.ts"]);
  assert.deepEqual(parsed.get("runtime/a.ts"), { found: 4, hit: 3 });
});

Deno.test("runnableLines() counts code, not types, comments or blank lines", () => {
  const types =
    "/** A. */\nexport interface A {\n  a: number;\n}\nimport type { B } from './b.ts';\n";
  assert.equal(runnableLines(types), 0);
  assert.equal(runnableLines(`${types}\n// one\nexport function f(a: A) {\n  return a;\n}\n`), 3);
});

Deno.test("allSources() counts a source that no test loads as 0 % and leaves tests out", () => {
  const texts: Record<string, string> = {
    "cli/b.ts": "f();\ng();\n",
    "runtime/t.ts": "type A = 1;",
  };
  const paths = ["runtime/a.ts", "cli/b.ts", "runtime/t.ts", "tests/a_test.ts", "README.md"];
  const sources = allSources(paths, parseLcov(report), (path) => texts[path] ?? "");
  assert.deepEqual([...sources], [
    ["runtime/a.ts", { found: 4, hit: 3 }],
    ["cli/b.ts", { found: 2, hit: 0 }],
  ]);
  assert.equal(percentOf(sources.values()), 50);
});

Deno.test("percentOf() of nothing is 100", () => assert.equal(percentOf([]), 100));
