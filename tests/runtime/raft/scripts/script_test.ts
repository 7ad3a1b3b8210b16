/**
 * Scenarios of Raft as scripts: each file of `tests/golden/raft` reads as it plays.
 * `UPDATE_GOLDEN=1 deno test -A tests/runtime/raft/scripts` writes down what is seen now.
 */

import assert from "node:assert/strict";
import { playScript } from "./script.ts";

const FOLDER = new URL("../../../golden/raft/", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => {
  return name.endsWith(".txt");
});

for (const name of names.toSorted()) {
  Deno.test(`${name.replace(".txt", "").replaceAll("_", " ")} plays as written`, () => {
    const url = new URL(name, FOLDER);
    const text = Deno.readTextFileSync(url);
    const played = playScript(text);
    assert.ok(played.failure === null, played.failure ?? "");
    if (UPDATE) Deno.writeTextFileSync(url, played.text);
    else assert.equal(played.text, text);
  });
}
