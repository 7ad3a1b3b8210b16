/** Directories of a destination that do not exist yet. */

import assert from "node:assert/strict";
import { makeDirectories } from "../../../protocols/file/directories.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

for (const root of ["/a", "/a/b", "/a/b/c"]) {
  Deno.test(`a missing root is made with what is below it: ${root} of /a/b/c`, async () => {
    const env = simulatedEnv({ seed: 1 });
    await env.world.complete((async () => {
      await makeDirectories(env.disk, "/a/b/c", root, true);
      assert.equal((await env.disk.stat("/a/b/c"))?.kind, "directory");
    })());
  });
}
