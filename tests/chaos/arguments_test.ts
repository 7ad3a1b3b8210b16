import assert from "node:assert/strict";
import { readArguments } from "./arguments.ts";

Deno.test("ten minutes and two hundred files are the standard", () => {
  const options = { minutes: 10, seed: 42, files: 200, json: false, keep: false };
  assert.deepEqual(readArguments([], () => 42), options);
});

Deno.test("everything can be said, with a space or an equals sign", () => {
  const options = { minutes: 1.5, seed: 7, files: 30, json: true, keep: false };
  assert.deepEqual(readArguments(["--minutes=1.5", "--seed", "7", "--json"], () => 1), options);
});

for (const wrong of [["--minutes", "no"], ["--minutes"], ["--seed", "-1"], ["--files=0"], ["-x"]]) {
  Deno.test(`${wrong.join(" ")} is refused with a reason`, () => {
    assert.equal(typeof readArguments(wrong, () => 1), "string");
  });
}
