/** Every transfer protocol has a page for its users, with an example that a test runs. */

import assert from "node:assert/strict";
import { repositoryPaths } from "../tidy/tidy.ts";

/** For simulations and embedders; it has no users who write workflow files. */
const INTERNAL = new Set(["memory"]);
const IMPLEMENTED = /^protocols\/(\w+)\/(?:protocol|http|encoded)\.ts$/;

Deno.test("every protocol has a page, and a test runs the example of it", () => {
  const paths = repositoryPaths();
  const folders = paths.flatMap((path) => IMPLEMENTED.exec(path)?.[1] ?? [])
    .filter((folder) => !INTERNAL.has(folder));
  assert.ok(folders.length >= 11, folders.join());
  const tests = paths.filter((path) => path.startsWith("tests/") && path.endsWith("_test.ts"))
    .map((path) => Deno.readTextFileSync(path));
  for (const folder of folders) {
    const page = `protocols/${folder}/README.md`;
    assert.match(Deno.readTextFileSync(page), /```yaml\napiVersion: /, `${page} has an example`);
    assert.ok(tests.some((text) => text.includes(page)), `a test runs the example of ${page}`);
  }
});
