/** What people read, as recorded; `UPDATE_GOLDEN=1 deno test -A tests/cli` writes it anew. */

import assert from "node:assert/strict";

const FOLDER = new URL("../golden/cli/", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** Compares a text with the recorded one of this name. */
export function assertGolden(name: string, text: string): void {
  const path = new URL(`${name}.txt`, FOLDER);
  if (UPDATE) Deno.writeTextFileSync(path, text);
  assert.equal(text, Deno.readTextFileSync(path));
}
