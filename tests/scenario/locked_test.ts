/** A run belongs to one process at a time. */

import assert from "node:assert/strict";
import { withOneFile } from "./one_file.ts";

const MIB = 2 ** 20;

Deno.test("run: a second process on the same run exits 3 and says so, and the first goes on", () =>
  withOneFile(24 * MIB, { stallAfterBytes: 12 * MIB }, async (scene) => {
    const sent = scene.watched.reaches(12 * MIB);
    const first = scene.start();
    await sent;
    const fetching = scene.watched.reaches(1).then(() => assert.fail("the second one fetches too"));
    const second = await Promise.race([scene.start({ args: [] }).ended, fetching]);
    assert.equal(second.code, 3, second.err);
    assert.match(second.err, /another process is working on this run/);
    assert.match(second.err, /wait for it, or stop it first/);
    fetching.catch(() => {}); // From now on the first one does.
    await scene.restart();
    const { code, out, err } = await first.ended;
    assert.equal(code, 0, out + err);
    assert.ok(scene.isRight());
  }));
