import assert from "node:assert/strict";
import { join } from "node:path";
import { SCENARIOS } from "../simulation/scenarios/index.ts";
import { repositoryRoot } from "../tidy/repository.ts";
import { planted } from "./mutant.ts";
import { TABLES } from "./tables.ts";

Deno.test("every planted bug still has its one place, and a scenario that looks for it", async () => {
  const names = new Set(SCENARIOS.map(({ name }) => name));
  for (const mutant of Object.values(TABLES).flat()) {
    const text = await Deno.readTextFile(join(repositoryRoot, mutant.file));
    assert.notEqual(planted(text, mutant), text, mutant.name);
    assert.ok(names.has(mutant.scenario), `${mutant.name}: ${mutant.scenario}`);
  }
});

Deno.test("a bug without its place, or with two, is refused", () => {
  const mutant = { name: "m", file: "f.ts", find: "a", replace: "b", scenario: "s", seeds: 1 };
  assert.throws(() => planted("none", mutant), /0 places/);
  assert.throws(() => planted("a and a", mutant), /2 places|3 places/);
  assert.equal(planted("x a y", mutant), "x b y");
});
