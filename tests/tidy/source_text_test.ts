import assert from "node:assert/strict";
import { importsOf, lineAt } from "./source_text.ts";

/** Imports as "kind specifier line". */
function found(text: string): string[] {
  return importsOf(text).map(({ kind, specifier, line }) => `${kind} ${specifier} ${line}`);
}

Deno.test("importsOf() finds value imports and exports, also over several lines", () => {
  const text = [
    'import a from "./a.ts";',
    'import "./b.ts";',
    "import {",
    "  c,",
    "  type C,",
    '} from "./c.ts";',
    'export * from "./d.ts";',
    'export { e } from "./e.ts";',
    'import * as f from "./f.ts";',
  ].join("\n");
  const names = ["a.ts 1", "b.ts 2", "c.ts 3", "d.ts 7", "e.ts 8", "f.ts 9"];
  assert.deepEqual(found(text), names.map((name) => `value ./${name}`));
});

Deno.test("importsOf() tells imports that are erased", () => {
  assert.deepEqual(found('import type { A } from "./a.ts";'), ["type ./a.ts 1"]);
  assert.deepEqual(found('import { type A, type B } from "./a.ts";'), ["type ./a.ts 1"]);
  assert.deepEqual(found('export type { A } from "./a.ts";'), ["type ./a.ts 1"]);
  assert.deepEqual(found('import { type A, b } from "./a.ts";'), ["value ./a.ts 1"]);
});

Deno.test("importsOf() finds dynamic imports and files named for a Worker", () => {
  assert.deepEqual(found('await import("./a.ts");'), ["dynamic ./a.ts 1"]);
  assert.deepEqual(found('new Worker(new URL("./w.ts", import.meta.url))'), ["url ./w.ts 1"]);
});

Deno.test("importsOf() leaves comments and other exports alone", () => {
  assert.deepEqual(found('/**\n * ```ts\nimport { a } from "./a.ts";\n * ```\n */\n'), []);
  assert.deepEqual(found('// import("./a.ts")\nexport const from = "./b.ts";\n'), []);
  assert.deepEqual(found('export function f() {}\nconst a = "./b.ts";\n'), []);
});

Deno.test("lineAt() counts lines from 1", () => {
  assert.equal(lineAt("a\nb\nc", 0), 1);
  assert.equal(lineAt("a\nb\nc", 2), 2);
  assert.equal(lineAt("a\nb\nc", 4), 3);
});
