/**
 * What people read when a file is wrong: one file per kind of error, its findings beside it.
 * `UPDATE_GOLDEN=1 deno test -A tests/workflows/golden_test.ts` writes them anew.
 */

import assert from "node:assert/strict";
import { formatDiagnostic } from "../../workflows/diagnostic.ts";
import { parseDocuments } from "../../workflows/parse.ts";

const FOLDER = new URL("../golden/workflows/", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

for (const entry of [...Deno.readDirSync(FOLDER)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  if (!entry.name.endsWith(".yaml")) continue;
  Deno.test(`the findings of ${entry.name} read as recorded`, () => {
    const text = Deno.readTextFileSync(new URL(entry.name, FOLDER));
    const { diagnostics } = parseDocuments(text, { file: entry.name });
    const shown = diagnostics.map(formatDiagnostic).join("\n\n") + "\n";
    const golden = new URL(entry.name.replace(/\.yaml$/, ".txt"), FOLDER);
    if (UPDATE) Deno.writeTextFileSync(golden, shown);
    assert.equal(shown, Deno.readTextFileSync(golden));
    assert.ok(diagnostics.length > 0);
  });
}
