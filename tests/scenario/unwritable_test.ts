/** Destinations and state folders that cannot be: one sentence that names the place, nothing left. */

import assert from "node:assert/strict";
import { withOneFile } from "./one_file.ts";
import { endOf } from "./quorus.ts";

Deno.test("run: a destination below a regular file is exit 1 and names the place", () =>
  withOneFile(1_000, {}, async (scene) => {
    await Deno.writeTextFile(`${scene.folder}/files`, "in the way");
    const { code, out, err } = await scene.start().ended;
    assert.equal(code, 1, out + err);
    const { message = "" } = endOf(out, "large-file")?.error ?? {};
    assert.match(message, /\/files/);
    assert.match(message, /not a directory|directory/i);
    assert.equal(await Deno.readTextFile(`${scene.folder}/files`), "in the way");
  }));

Deno.test("run: a state folder below a regular file is exit 2 and names --data", () =>
  withOneFile(1_000, {}, async (scene) => {
    await Deno.writeTextFile(`${scene.folder}/state`, "in the way");
    const { code, out, err } = await scene.start({ args: [] }).ended;
    assert.equal(code, 2, out + err);
    assert.match(err, /cannot keep the run's state in .*\/state\/runs/);
    assert.match(err, /--data/);
    assert.throws(() => scene.names(), Deno.errors.NotFound);
  }));

// Root may write everywhere; for it tests/real has a file system that may only be read.
if (Deno.uid() !== 0) {
  Deno.test("run: a folder that may not be written is exit 1, says so, and leaves nothing", () =>
    withOneFile(1_000, {}, async (scene) => {
      await Deno.mkdir(`${scene.folder}/files`, { mode: 0o555 });
      const { code, out, err } = await scene.start().ended;
      assert.equal(code, 1, out + err);
      assert.match(endOf(out, "large-file")?.error?.message ?? "", /permission|denied|EACCES/i);
      assert.deepEqual(scene.names(), []);
    }));
}
