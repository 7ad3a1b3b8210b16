/** Ctrl-C keeps what has arrived, and the same command goes on with it. */

import assert from "node:assert/strict";
import { PATH, withOneFile } from "./one_file.ts";
import { endOf, eventsOf } from "./quorus.ts";

const MIB = 2 ** 20;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`run: ${signal} keeps the checkpoint, says how to go on, exits 130; the same command resumes`, () =>
    withOneFile(40 * MIB, { stallAfterBytes: 28 * MIB }, async (scene) => {
      const sent = scene.watched.reaches(28 * MIB);
      const first = scene.start({ args: [] });
      await sent;
      first.kill(signal);
      const { code, err } = await first.ended;
      assert.equal(code, 130, err);
      assert.match(err, /keeping the checkpoints/);
      assert.match(err, /quorus run tests\/scenario\/large_file\.yaml/);
      assert.ok(!scene.names().includes("large.bin"), "the file was published unfinished");

      await scene.restart();
      const second = await scene.start().ended;
      assert.equal(second.code, 0, second.err);
      assert.equal(eventsOf(second.out)[0]?.resumed, true);
      const { receipt } = endOf(second.out, "large-file") ?? {};
      // What was on its way when the signal came may be lost: at most the window of 16 MiB.
      assert.ok((receipt?.keptBytes ?? 0) >= 8 * MIB, JSON.stringify(receipt));
      assert.equal(scene.server.bytesServed(PATH), 40 * MIB - (receipt?.keptBytes ?? 0));
      assert.ok(scene.isRight());
      assert.deepEqual(scene.names(), ["large.bin"]);
    }));
}
