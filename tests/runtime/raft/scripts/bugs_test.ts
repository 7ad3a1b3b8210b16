import assert from "node:assert/strict";
import { join } from "node:path";
import { repositoryRoot } from "../../../tidy/repository.ts";
import { RAFT_BUGS, withBug } from "./bugs.ts";

Deno.test("each of the 24 bugs has its one place still, and a script or test that finds it", async () => {
  const numbers = new Set(RAFT_BUGS.map(({ number }) => number));
  assert.deepEqual([...numbers], Array.from({ length: 24 }, (_, place) => place + 1));
  for (const bug of RAFT_BUGS) {
    const text = await Deno.readTextFile(join(repositoryRoot, bug.file));
    assert.notEqual(withBug(text, bug), text, bug.name);
    const { foundBy } = bug;
    const finder = "test" in foundBy ? foundBy.test : `tests/golden/raft/${foundBy.script}.txt`;
    assert.ok((await Deno.stat(join(repositoryRoot, finder))).isFile, finder);
  }
});
